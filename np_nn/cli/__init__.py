"""Command line shared by the commands of np-nn."""

from np_nn.cli.command_parser import Parser
from np_nn.cli.finish import conclude, finish
from np_nn.cli.options import (
    add_data_options,
    add_dataset,
    add_json_option,
    add_kernels_option,
    add_model_file,
    add_numpy_options,
    add_picture_options,
    add_report,
    add_report_options,
    add_threads_option,
    parser,
    parser_of,
)
from np_nn.cli.program import load, parse, read, run, use
from np_nn.utils.converters import whole_number

__all__ = [
    "Parser",
    "add_data_options",
    "add_dataset",
    "add_json_option",
    "add_kernels_option",
    "add_model_file",
    "add_numpy_options",
    "add_picture_options",
    "add_report",
    "add_report_options",
    "add_threads_option",
    "conclude",
    "finish",
    "load",
    "parse",
    "parser",
    "parser_of",
    "read",
    "run",
    "use",
    "whole_number",
]
