"""What may differ between machines that agree on every byte: Python, C library, builds of packages."""

import platform

from abstain.jobs.packages import folders, locked, version_of
from abstain.jobs.paths import HOME


def describe_machine() -> dict:
    """Python's version, the C library's, and version and wheel of each package that some environment of a job locks.

    Packages that are built for no platform are left out. Where each kind of work has an environment of its own (conda),
    the packages are those of the one in which this is called.
    """
    named = {name for path in (HOME / "envs").glob("*.yaml") for name in locked(path.read_text(encoding="utf-8"))}
    builds = {}
    for name, folder in sorted(folders().items()):
        wheel = folder / "WHEEL"
        lines = wheel.read_text(encoding="utf-8", errors="replace").splitlines() if wheel.is_file() else []
        if name in named and "Root-Is-Purelib: false" in lines:
            tags = sorted(line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: "))
            builds[name] = {"version": version_of(folder), "wheel": " ".join(tags)}
    return {"python": platform.python_version(), "c_library": " ".join(platform.libc_ver()), "packages": builds}
