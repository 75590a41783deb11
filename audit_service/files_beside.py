"""Files beside the index: what follows its name in the names of those that are its own.

None of them may have the place of the log, nor the log theirs.
"""

from typing import Final

INDEX_LOCK: Final = "-lock"
"""Locked by the one process that writes to the index; it is never removed."""
INDEX_MADE: Final = "-made"
"""There once an index was made."""
INDEX_REBUILD: Final = "-rebuild"
"""There while somebody asks for another in its place."""
OF_INDEX: Final = (INDEX_LOCK, INDEX_MADE, INDEX_REBUILD)
