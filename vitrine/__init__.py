"""Vitrine: why did the image model say that?"""
