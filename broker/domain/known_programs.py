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
    "env": names("-u -C -S"),
    "nohup": names(""),
    "nice": names("-n"),
    "ionice": names("-c -n -p"),
    "setsid": names(""),
    "stdbuf": names("-i -o -e"),
    "timeout": names("-s -k"),
    "time": names("-f -o"),
    "xargs": names("-I -n -P -L -d -a -s -E"),
    "command": names(""),
    "exec": names("-a"),
    "busybox": names(""),
    "sudo": names("-u -g -h -p -C -D -r -t"),
    "doas": names("-u -C"),
    "watch": names("-n"),
}
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
