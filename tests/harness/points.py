"""On which way a process comes by each fault point."""

from typing import Final

from bulkpost.faultpoint import NAMES

MIGRATING: Final = tuple(name for name in NAMES if name.startswith("migrate."))
EXPORTING: Final = tuple(name for name in NAMES if name.startswith("export."))
PRUNING: Final = tuple(name for name in NAMES if name.startswith(("prune.", "pack.")))
# After a crash, after a ledger that failed, and while it fails.
RECOVERING: Final = ("recovery.middle",)
RESCUING: Final = ("rescue.save", "rescue.import", "rescue.imported")
SUBMITTING: Final = tuple(
    name for name in NAMES if name not in {*MIGRATING, *EXPORTING, *PRUNING, *RECOVERING, *RESCUING}
)
# Of these, those that are passed while rows are on their way.
UNDER_WAY: Final = SUBMITTING[SUBMITTING.index("reader.batch") :]
# What a ledger does from its n-th commit on, once its disk is broken.
BROKEN_DISK: Final = "commit.flush:{}+:raise"
