"""Index of the log: a copy by which events are found, kept by a process of its own.

It proposes; `matches` decides. Whatever is wrong with it costs time, and never an answer.
"""
