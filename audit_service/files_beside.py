"""Files beside the log and beside the index: what follows their names in those of these.

No file of the index may have the place of one of the log's, nor the other way round.
"""

from typing import Final

LOG_TREE: Final = "-tree"
"""The tree over the events, which is signed."""
LOG_KEY: Final = "-key"
"""The key that a log makes for itself."""
OF_LOG: Final = (LOG_TREE, LOG_KEY)

INDEX_LOCK: Final = "-lock"
"""Locked by the one process that writes to the index; it is never removed."""
INDEX_MADE: Final = "-made"
"""There once an index was made."""
INDEX_REBUILD: Final = "-rebuild"
"""There while somebody asks for another in its place."""
OF_INDEX: Final = (INDEX_LOCK, INDEX_MADE, INDEX_REBUILD)
