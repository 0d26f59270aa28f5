"""Weights with the code that defines their network: what to build, with which arguments, and filling it."""
