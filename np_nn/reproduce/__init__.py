"""The command np-nn reproduce: every published row trained again, published beside ours."""
