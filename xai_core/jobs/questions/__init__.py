"""What a model can be asked; every module in this folder holds one question, both ends of the wire."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
