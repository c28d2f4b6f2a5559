"""What a run within this process imports, imported before pytester notes what it will forget.

Libraries written in C cannot be imported again, and a package of ours would keep its old modules.
"""

import importlib

for name in (
    "jinja2",
    "matplotlib.figure",
    "numpy",
    "PIL.Image",
    "scipy.optimize",
    "scipy.stats",
    "vscbench.plugin.session",
    "vscbench.engine.sqlite_store",
    "vscbench.report.html.page",
):
    importlib.import_module(name)
