#!/bin/sh
# Print the first interpreter of the arguments that is Python 3.11-3.13 and can make virtual environments;
# otherwise say on stderr what to install and fail.
unable=""
for python in "$@"; do
    "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 || continue
    if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        command -v "$python"
        exit 0
    fi
    unable=$python
done
if [ -n "$unable" ]; then
    echo "$unable cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2
else
    echo "no Python 3.11, 3.12 or 3.13 among: $*; install one, or name it: make PYTHON=/path/to/python3.13" >&2
fi
exit 1
