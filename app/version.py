"""The version of Daybook: the newest heading of CHANGELOG.md, written here once more for installed copies."""

VERSION = "0.1.0"
