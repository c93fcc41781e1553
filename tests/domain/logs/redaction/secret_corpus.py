"""A hundred secrets as they stand in real texts. Each is made of parts when the tests run: none is anybody's, and no
scanner of repositories finds one here."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass

LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
B62 = string.ascii_letters + string.digits
URL = B62 + "-_"
HEX = "0123456789abcdef"
BASE64 = B62 + "+/"


@dataclass(frozen=True, slots=True)
class Sample:
    """A line with one secret in it."""

    name: str
    before: str
    secret: str
    after: str = ""

    @property
    def line(self) -> str:
        """As it stands in a text."""
        return self.before + self.secret + self.after


class _Maker:
    """Characters as a vendor's machine picks them: the same ones for the same name."""

    def __init__(self, name: str) -> None:
        self._dice = random.Random(name)

    def __call__(self, alphabet: str, length: int) -> str:
        made = [self._dice.choice(alphabet) for _ in range(length)]
        made[1] = next(each for each in "7" + alphabet if each in alphabet)
        made[2] = next(each for each in "kK" + alphabet if each in alphabet)
        return "".join(made)


def _standing(name: str, *parts: str | tuple[str, int]) -> Sample:
    """One that tells by its look what it is, in the middle of a sentence."""
    make = _Maker(name)
    return Sample(name, "found: ", "".join(p if isinstance(p, str) else make(*p) for p in parts), " and more")


def _behind(name: str, before: str, *parts: str | tuple[str, int], after: str = "") -> Sample:
    make = _Maker(name)
    return Sample(name, before, "".join(p if isinstance(p, str) else make(*p) for p in parts), after)


def _pem(kind: str, lines: int = 6) -> str:
    make = _Maker(kind)
    body = "\n".join(make(BASE64, 64) for _ in range(lines))
    return f"-----BEGIN {kind}-----\n{body}\n{make(BASE64, 30)}==\n-----END {kind}-----"


def _uuid(name: str) -> str:
    make = _Maker(name)
    return "-".join(make(HEX, length) for length in (8, 4, 4, 4, 12))


def _basic(name: str) -> str:
    return base64.b64encode(f"ada:{_Maker(name)(B62, 16)}".encode()).decode()


def _vendors() -> Iterator[Sample]:
    for kind in "pousr":
        yield _standing(f"GitHub gh{kind}", f"gh{kind}", "_", (B62, 36))
    yield _standing("GitHub fine-grained", "github_", "pat_", (B62, 22), "_", (B62, 59))
    for kind in ("glpat", "glrt", "gldt", "glptt"):
        yield _standing(f"GitLab {kind}", kind, "-", (URL, 20))
    yield _standing("Anthropic", "sk-", "ant-api03-", (URL, 93), "AA")
    yield _standing("Anthropic sign-in", "sk-", "ant-oat01-", (URL, 93), "AA")
    yield _standing("OpenAI", "sk", "-", (B62, 48))
    yield _standing("OpenAI project", "sk-", "proj-", (URL, 120))
    yield _standing("OpenRouter", "sk-", "or-v1-", (HEX, 64))
    yield _standing("Google API", "AI", "za", (URL, 35))
    yield _standing("Google access", "ya", "29.", (URL, 100))
    yield _standing("Google client secret", "GOC", "SPX-", (URL, 28))
    yield _standing("AWS id", "AK", "IA", (UPPER, 16))
    yield _standing("AWS temporary id", "AS", "IA", (UPPER, 16))
    yield _behind("AWS secret", "aws_secret_access_key = ", (BASE64, 40))
    yield _behind("AWS secret in the environment", "AWS_SECRET_ACCESS_KEY=", (BASE64, 40))
    yield _standing("AWS Bedrock", "AB", "SK", (BASE64, 128))
    yield _behind(
        "Azure storage",
        "DefaultEndpointsProtocol=https;AccountName=ada;AccountKey=",
        (BASE64, 86),
        "==",
        after=";EndpointSuffix=core",
    )
    yield _behind(
        "Azure shared access", "https://ada.blob.core.windows.net/c/f?sv=2022&sig=", (B62, 40), "%2B", (B62, 4), "%3D"
    )
    yield _standing("Azure client secret", (B62, 3), "8Q", "~", (B62, 34))
    yield _behind("Azure subscription", "Ocp-Apim-Subscription-Key: ", (HEX, 32))
    yield _standing("Slack bot", "xo", "xb-", ("123456789", 12), "-", ("123456789", 12), "-", (B62, 24))
    yield _standing("Slack person", "xo", "xp-", ("123456789", 12), "-", (B62, 40))
    yield _standing("Slack app", "xa", "pp-1-", (UPPER, 11), "-", ("123456789", 13), "-", (HEX, 64))
    yield _behind(
        "Slack webhook", "https://", "hooks.slack.", "com/services/T", (UPPER, 8), "/B", (UPPER, 8), "/", (B62, 24)
    )
    yield _standing("Stripe live", "sk_", "live_", (B62, 24))
    yield _standing("Stripe test", "sk_", "test_", (B62, 99))
    yield _standing("Stripe restricted", "rk_", "live_51", (B62, 97))
    yield _standing("Stripe webhook", "wh", "sec_", (B62, 32))
    yield _behind("Twilio", "TWILIO_AUTH_TOKEN=", (HEX, 32))
    yield _standing("SendGrid", "SG", ".", (URL, 22), ".", (URL, 43))
    yield _standing("npm", "np", "m_", (B62, 36))
    yield _behind("npm settings", "//registry.npmjs.org/:_authToken=", "np", "m_", (B62, 36))
    yield _standing("PyPI", "py", "pi-AgEIcHlwaS5vcmc", (URL, 120))
    yield _standing("Hugging Face", "h", "f_", (B62, 34))
    yield _behind("Telegram", "found: 7203948571", ":A", "A", (URL, 33))
    yield _behind("Discord bot", "DISCORD_TOKEN=", "M", (B62, 25), ".", (B62, 6), ".", (URL, 38))
    discord = "https://discord." + "com/api/webhooks/"
    yield _behind("Discord webhook", discord, ("123456789", 18), "/", (URL, 68))
    yield _standing("Shopify", "shp", "at_", (HEX, 32))
    yield _standing("DigitalOcean", "dop", "_v1_", (HEX, 64))
    yield Sample("Heroku", "HEROKU_API_KEY=", _uuid("Heroku"))
    yield _standing("Heroku new", "HR", "KU-AA", (URL, 58))
    yield _behind("Cloudflare", "CLOUDFLARE_API_TOKEN=", (URL, 40))
    yield _behind("Cloudflare global", "X-Auth-Key: ", (HEX, 37))
    yield _standing("Mailgun", "ke", "y-", (HEX, 32))
    yield _standing("Databricks", "da", "pi", (HEX, 32))
    yield _standing("Vault", "hv", "s.", (URL, 95))
    yield _standing("Linear", "lin", "_api_", (B62, 40))
    yield _standing("Groq", "gs", "k_", (B62, 52))
    yield _standing("xAI", "xa", "i-", (B62, 80))
    yield _standing("Replicate", "r", "8_", (B62, 37))
    yield _standing("Terraform Cloud", (B62, 14), ".atlas", "v1.", (URL, 67))
    yield _standing("Doppler", "dp.", "pt.", (B62, 43))
    yield _standing("Grafana", "gl", "sa_", (B62, 32), "_", (HEX, 8))
    yield _standing("Docker Hub", "dckr", "_pat_", (URL, 27))
    yield _standing("Atlassian", "ATA", "TT3xFfGF0", (URL, 180), "=", (UPPER, 8))
    yield _standing("Sentry", "snt", "rys_", (B62, 150), "_", (B62, 43))
    yield _standing("Supabase", "sb", "p_", (HEX, 40))
    yield _standing("Tailscale", "tskey", "-auth-", (B62, 17), "-", (B62, 32))
    yield _standing("age", "AGE-", "SECRET-KEY-1", ("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58))


def _keys() -> Iterator[Sample]:
    for kind in ("RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"):
        yield Sample(f"PEM {kind}", "cat key\n", _pem(kind), "\ndone")
    yield Sample("PGP", "gpg --export-secret-keys\n", _pem("PGP PRIVATE KEY BLOCK", 12), "\ndone")
    yield _standing("JWT", "ey", "JhbGciOiJI", (URL, 20), ".ey", "J", (URL, 60), ".", (URL, 43))


def _relay() -> Iterator[Sample]:
    for kind in ("rk", "at", "nt", "ot", "mt", "oc", "rt"):
        yield _standing(f"Relaycast {kind}", f"{kind}", "_live_", (URL, 43))


def _addresses() -> Iterator[Sample]:
    yield _behind("Postgres", "DATABASE_URL=postgres://app:", (B62, 14), after="@db.internal:5432/app")
    yield Sample("Postgres, signs", "postgres://app:", "pa$$w0rd[1]{x}<y>", "@db/app")
    yield Sample("MySQL, at", "mysql://root:", "p@ss/w0rd#1", "@10.0.0.7:3306/x")
    yield Sample("MongoDB", "mongodb+srv://ada:", "tr0ub4dor&3", "@c0.example.net/?w=1")
    yield Sample("Redis", "redis://:", "f00b4rb4z", "@cache:6379/0")
    yield Sample("AMQP", "amqps://svc:", "r4bb1t%21mq", "@mq:5671/%2f")
    yield Sample("git remote", "origin  https://oauth2:", "s3cr3tPushKey", "@git.internal/x.git (push)")


def _headers() -> Iterator[Sample]:
    yield _behind("Authorization: Bearer", "Authorization: Bearer ", (URL, 40))
    yield Sample("Authorization: Basic", "Authorization: Basic ", _basic("basic"))
    yield _behind("Authorization: ApiKey", "authorization: ApiKey ", (B62, 32))
    yield _behind("Authorization: Token", "Authorization: Token ", (HEX, 40))
    yield _behind("Authorization: Bot", "Authorization: Bot ", (B62, 24), ".", (B62, 6), ".", (URL, 27))
    yield _behind(
        "Authorization: AWS4",
        "Authorization: AWS4-HMAC-SHA256 ",
        "Credential=",
        (UPPER, 20),
        "/20260101/us-east-1/s3, Signature=",
        (HEX, 64),
    )
    yield _behind("Proxy-Authorization", "Proxy-Authorization: Basic ", (B62, 28))
    yield _behind("X-Api-Key", "curl -H 'X-Api-Key: ", (B62, 32), after="' https://api.internal")
    yield _behind("Cookie", "Cookie: theme=dark; sessionid=", (LOWER, 32))
    yield _behind("Set-Cookie", "Set-Cookie: ", "sid=", (B62, 40), "; Path=/; HttpOnly")
    yield Sample("curl -u", "curl -sS -u ada:", "h0rseB4ttery", " https://api.internal/x")
    yield Sample("netrc", "machine api.internal login ada password ", "h0rse-B4ttery!")
    yield Sample("Basic, alone", "auth is Basic ", _basic("alone"), " then")
    yield _behind("a flag", "deploy --auth-token ", (HEX, 32), after=" --yes")
    yield Sample("a flag, password", "mysqldump --password=", "Sup3r!Geheim", " db")


def _assignments() -> Iterator[Sample]:
    yield Sample("password in an env file", "DB_PASSWORD=", "correcthorsebatterystaple")
    yield Sample("password that begins as a variable", "DB_PASSWORD=", "$ecr3t&Tunnel")
    yield Sample("password with a semicolon", "export PGPASSWORD=", "ab1;cdef9xyz")
    yield Sample("password in YAML", "  password: ", "hunter22")
    yield Sample("password in quotes", "password: '", "Abc123 45xyz 77", "'")
    yield Sample("password in TOML", 'password = "', "k#9 Lm,(2)", '"')
    yield Sample("pass phrase", 'passphrase: "', "correct horse battery staple", '"')
    yield Sample("password in JSON", '{"user": "ada", "password": "', "Tr0ub4dor&3", '"}')
    yield Sample("password in a shell", "mysql_pwd='", "W1nter!2026", "'; run")
    yield _behind("client secret", '"client_secret": "', (B62, 40), after='",')
    yield _behind("secret key base", "SECRET_KEY_BASE=", (HEX, 128))
    yield _behind("Django", "SECRET_KEY = 'django-insecure-", (LOWER + "!@#$^&*(-_=+)", 50), after="'")
    yield _behind("ini", "auth_token = ", (B62, 32))
    yield _behind("camel case", "const accessToken = '", (URL, 40), after="';")
    yield Sample("connection string", "Server=db;User Id=sa;Password=", "Str0ng(!)Pw7", ";Encrypt=yes")


SECRETS: tuple[Sample, ...] = (
    *_vendors(),
    *_keys(),
    *_relay(),
    *_addresses(),
    *_headers(),
    *_assignments(),
)
