"""Lets a scratch copy on PYTHONPATH come before the editable install, in this process and all that it starts.

The editable install answers imports from a finder at the head of sys.meta_path, ahead of every path. Only
tools/scratch.py puts this folder on PYTHONPATH.
"""

import sys

sys.meta_path[:] = [finder for finder in sys.meta_path if not type(finder).__name__.startswith("ScikitBuild")]
