"""Configuration files on a disk: their texts, their published JSON Schema, our presets.

How a text is read and checked is up to `opsknight.files`.
"""
