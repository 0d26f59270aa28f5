"""One real file of every kind that people have; `python -m tests.formats` writes docs/formats.md from it.

A test writes each file, opens it in the sandbox as a user would, and holds the outcome to the declaration.
"""
