"""One file a framework behind one interface; `load` imports just the framework that a file asks for."""
