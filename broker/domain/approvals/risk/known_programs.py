"""Programs by what people would want to know of them before they allow one."""

from __future__ import annotations


def names(text: str) -> frozenset[str]:
    """A set of words."""
    return frozenset(text.split())


SHELLS = names("sh bash zsh dash ksh fish ash")
INTERPRETERS = names("python python2 python3 node deno bun perl ruby php lua osascript")
FETCHERS = names("curl wget http https xh fetch aria2c")
REMOTE = names("ssh scp sftp rsync nc ncat netcat telnet ftp socat mosh")
DECODERS = names("base64 xxd openssl gpg gunzip zcat")
AS_ROOT = names("sudo doas su pkexec runuser")
WRAPPERS: dict[str, frozenset[str]] = {
    # program that runs another one: its options that take a value
    "env": names("-u --unset -C --chdir --block-signal --default-signal --ignore-signal"),
    "nohup": names(""),
    "nice": names("-n --adjustment"),
    "ionice": names("-c -n -p --class --classdata"),
    "chrt": names("-T -P -D"),
    "taskset": names(""),
    "setsid": names(""),
    "stdbuf": names("-i -o -e --input --output --error"),
    "timeout": names("-s -k --signal --kill-after"),
    "time": names("-f -o --format --output"),
    "xargs": names(
        "-I -n -P -L -d -a -s -E --replace --max-args --max-procs --max-lines --delimiter --arg-file --max-chars"
    ),
    "parallel": names("-j --jobs -a --arg-file -I --colsep -C -N --joblog --results"),
    "command": names(""),
    "builtin": names(""),
    "exec": names("-a"),
    "noglob": names(""),
    "nocorrect": names(""),
    "busybox": names(""),
    "toybox": names(""),
    "sudo": names("-u -g -h -p -C -D -r -t -T -U --user --group --host --prompt --chdir --close-from --role --type"),
    "doas": names("-u -C"),
    "su": names("-s -g -G --shell --group"),
    "runuser": names("-u -g -G -s --user --group --shell"),
    "pkexec": names("--user"),
    "gosu": names(""),
    "su-exec": names(""),
    "sg": names(""),
    "chroot": names(""),
    "unshare": names(""),
    "nsenter": names("-t --target"),
    "setarch": names(""),
    "setpriv": names(""),
    "flock": names("-w -E --timeout --conflict-exit-code"),
    "script": names("-I -O -B -m -o"),
    "strace": names("-e -o -p -s -P -u -E -a -b"),
    "ltrace": names("-e -o -p -s -u -n -a"),
    "watch": names("-n --interval"),
    "caffeinate": names("-t -w"),
    "systemd-run": names("-p -u --unit --property"),
    "systemd-inhibit": names(""),
    "dbus-run-session": names(""),
    "xvfb-run": names("-n -s"),
    "unbuffer": names(""),
    "rlwrap": names(""),
    "tini": names(""),
    "dumb-init": names(""),
}
GIT_OPTIONS = names("-C -c --git-dir --work-tree --namespace --exec-path --config-env --super-prefix")
"""Those before git's command that take a value."""
OPERANDS = dict.fromkeys(names("timeout chrt taskset gosu su-exec sg chroot setarch flock"), 1)
"""How many arguments of a wrapper stand before the program that it runs."""
TEXT_OPTIONS: dict[str, frozenset[str]] = {
    # program: its options whose value is a command line
    "env": names("-S --split-string"),
    "su": names("-c --command --session-command"),
    "runuser": names("-c --command --session-command"),
    "sg": names("-c"),
    "script": names("-c --command"),
    "flock": names("-c --command"),
}
RUNS_TEXT = SHELLS | names("eval source . parallel ssh su at batch crontab")
"""Programs that run what they are given to read."""
SHOWS_NO_CONTENT = names("ls stat test [ cd pwd which find mkdir touch rm chmod chown pytest git")
"""Programs that may be given the name of a secret file without showing what is in it; `git` is judged by itself."""
READ_ONLY = names(
    "ls cat head tail less more wc pwd echo printf grep egrep fgrep rg ag which type file stat du df tree whoami id"
    " uname date true false test [ cd sort uniq cut tr diff cmp comm basename dirname realpath readlink jq yq column"
    " nl seq sleep ps hostname export set unset alias hash"
)
BUILDS = names(
    "make cmake ninja pytest tox nox ruff mypy black isort flake8 pylint eslint prettier tsc vitest jest mocha gcc g++"
    " clang rustc javac mvn gradle cargo go npm pnpm yarn bun uv poetry bundle rake dotnet swift pre-commit unittest"
)
RUNS_PACKAGES = names("npx uvx bunx pnpx")
INSTALLS: dict[str, frozenset[str]] = {
    **dict.fromkeys(names("npm pnpm yarn bun"), names("install i ci add update upgrade exec dlx x create init")),
    **dict.fromkeys(names("apt apt-get dnf yum apk zypper"), names("install add upgrade remove")),
    "pip": names("install download wheel"),
    "uv": names("add sync pip tool run"),
    "poetry": names("add install update"),
    "conda": names("install create update"),
    "pipx": names("install run inject"),
    "cargo": names("install add update"),
    "gem": names("install update"),
    "bundle": names("install update add"),
    "go": names("install get"),
    "composer": names("install require update"),
    "brew": names("install upgrade tap reinstall"),
    "pacman": names("-S -Sy -Syu -R"),
}
DATABASES = names("psql mysql mariadb sqlite3 mongosh mongo redis-cli sqlcmd clickhouse dropdb")
CLOUDS = names("aws gcloud az gh glab heroku fly flyctl vercel netlify doctl kubectl helm terraform tofu pulumi")
DESTROYS = names("delete destroy terminate rm rb remove drain purge wipe prune")

ANY_ARGUMENTS: tuple[str, ...] = (
    "git status",
    "git rev-parse",
    "git ls-files",
    "git describe",
    "ls",
    "pwd",
    "which",
    "stat",
    "basename",
    "dirname",
    "pytest",
    "python -m pytest",
    "python3 -m pytest",
    "mypy",
    "ruff check",
    "ruff format",
    "tsc",
    "npm test",
    "npm run test",
    "npm run build",
    "npm run lint",
    "pnpm test",
    "yarn test",
    "cargo test",
    "cargo build",
    "cargo check",
    "cargo clippy",
    "cargo fmt",
    "go test",
    "go build",
    "go vet",
)
"""Commands that stay what they are whatever arguments follow."""
