"""Secrets that tell by their beginning whose they are: one line for each, from the vendors' documentation.

`(name, beginnings, rest)`: a beginning stands behind nothing of its own alphabet, and the rest is what must follow.
Those whose beginning is a syllable of everyday words (Twilio's `SK`, Resend's `re_`) are known by the names they are
kept under.
"""

from __future__ import annotations

_B62 = "[A-Za-z0-9]"
_B64URL = "[A-Za-z0-9_-]"
_HEX = "[0-9a-fA-F]"

VENDOR_SECRETS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    # Model providers
    ("anthropic-key", ("sk-ant-",), f"{_B64URL}{{12,}}"),
    ("openai-key", ("sk-proj-", "sk-svcacct-", "sk-admin-"), f"{_B64URL}{{20,}}"),
    ("openrouter-key", ("sk-or-v1-",), f"{_HEX}{{32,}}"),
    ("google-key", ("AIza",), f"{_B64URL}{{30,}}"),
    ("google-token", ("ya29.", "1//0"), r"[A-Za-z0-9_.-]{20,}"),
    ("google-secret", ("GOCSPX-",), f"{_B64URL}{{24,}}"),
    ("huggingface-token", ("hf_", "api_org_"), f"{_B62}{{30,}}"),
    ("groq-key", ("gsk_",), f"{_B62}{{40,}}"),
    ("xai-key", ("xai-",), f"{_B62}{{60,}}"),
    ("perplexity-key", ("pplx-",), f"{_B62}{{40,}}"),
    ("replicate-token", ("r8_",), f"{_B62}{{35,}}"),
    ("langsmith-key", ("lsv2_pt_", "lsv2_sk_"), f"{_HEX}{{32}}_{_HEX}{{10}}"),
    ("tavily-key", ("tvly-",), f"{_B64URL}{{20,}}"),
    ("nvidia-key", ("nvapi-",), f"{_B64URL}{{40,}}"),
    # Code and packages
    ("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), f"{_B62}{{20,}}"),
    ("github-token", ("github_pat_",), r"[A-Za-z0-9_]{20,}"),
    (
        "gitlab-token",
        ("glpat-", "glrt-", "gldt-", "glptt-", "glcbt-", "glimt-", "glagent-", "glsoat-", "glffct-", "glft-", "gloas-"),
        r"[A-Za-z0-9_.-]{16,}",
    ),
    ("npm-token", ("npm_",), f"{_B62}{{30,}}"),
    ("pypi-token", ("pypi-AgE",), f"{_B64URL}{{20,}}"),
    ("rubygems-key", ("rubygems_",), f"{_HEX}{{40,}}"),
    ("docker-token", ("dckr_pat_", "dckr_oat_"), f"{_B64URL}{{20,}}"),
    ("atlassian-token", ("ATATT3", "ATCTT3", "ATBB"), r"[A-Za-z0-9_=-]{24,}"),
    ("linear-key", ("lin_api_", "lin_oauth_"), f"{_B62}{{32,}}"),
    ("postman-key", ("PMAK-",), f"{_HEX}{{24}}-{_HEX}{{34}}"),
    ("sentry-token", ("sntrys_", "sntryu_"), r"[A-Za-z0-9_=+/-]{40,}"),
    ("circleci-token", ("CCIPAT_", "CCIPRJ_"), r"[A-Za-z0-9_]{30,}"),
    ("buildkite-token", ("bkua_",), f"{_HEX}{{32,}}"),
    ("notion-token", ("ntn_",), f"{_B62}{{40,}}"),
    ("figma-token", ("figd_",), f"{_B64URL}{{30,}}"),
    # Clouds
    ("aws-key", ("AKIA", "ASIA", "ABIA", "ACCA"), r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("aws-bedrock-key", ("ABSK",), r"[A-Za-z0-9+/]{80,}={0,2}"),
    ("digitalocean-token", ("dop_v1_", "doo_v1_", "dor_v1_"), f"{_HEX}{{40,}}"),
    ("heroku-key", ("HRKU-",), f"{_B64URL}{{30,}}"),
    ("cloudflare-key", ("v1.0-",), f"{_HEX}{{24}}-{_HEX}{{100,}}"),
    ("databricks-token", ("dapi", "dkea"), f"{_HEX}{{32}}(?:-\\d)?"),
    ("vault-token", ("hvs.", "hvb.", "hvr."), f"{_B64URL}{{20,}}"),
    ("doppler-token", ("dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."), r"[A-Za-z0-9_.-]{30,}"),
    ("pulumi-token", ("pul-",), f"{_HEX}{{40}}"),
    ("tailscale-key", ("tskey-auth-", "tskey-api-", "tskey-client-"), f"{_B64URL}{{16,}}"),
    ("fly-token", ("fm2_", "fm1r_"), r"[A-Za-z0-9+/_=-]{40,}"),
    ("netlify-token", ("nfp_",), f"{_B62}{{30,}}"),
    ("supabase-key", ("sbp_", "sb_secret_"), f"{_B64URL}{{24,}}"),
    ("planetscale-token", ("pscale_tkn_", "pscale_pw_", "pscale_oauth_"), r"[A-Za-z0-9_.=-]{24,}"),
    ("grafana-token", ("glsa_", "glc_"), r"[A-Za-z0-9_+/=]{30,}"),
    ("newrelic-key", ("NRAK-", "NRII-", "NRJS-"), f"{_B64URL}{{19,}}"),
    ("onepassword-token", ("ops_eyJ",), f"{_B64URL}{{60,}}"),
    ("age-key", ("AGE-SECRET-KEY-1",), r"[0-9A-Z]{50,}"),
    # Messages, mail and money
    (
        "slack-token",
        ("xoxb-", "xoxa-", "xoxp-", "xoxr-", "xoxs-", "xoxc-", "xoxd-", "xoxe-", "xoxe."),
        r"[A-Za-z0-9%.-]{10,}",
    ),
    ("slack-token", ("xapp-",), r"[A-Za-z0-9-]{10,}"),
    ("slack-webhook", ("hooks.slack.com/",), r"(?:services|workflows|triggers)/[A-Za-z0-9_/]{20,}"),
    ("discord-webhook", ("discord.com/api/webhooks/", "discordapp.com/api/webhooks/"), r"\d{15,20}/[A-Za-z0-9_-]{50,}"),
    ("teams-webhook", ("webhook.office.com/",), r"webhookb2/[A-Za-z0-9@/-]{60,}"),
    ("sendgrid-key", ("SG.",), r"[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),
    ("mailgun-key", ("key-",), r"[0-9a-f]{32}(?![0-9a-zA-Z])"),
    ("brevo-key", ("xkeysib-",), f"{_HEX}{{64}}-{_B62}{{16}}"),
    ("stripe-key", ("sk_live_", "sk_test_", "rk_test_", "rk_live_51"), f"{_B62}{{16,}}"),
    ("stripe-secret", ("whsec_",), r"[A-Za-z0-9+/]{24,}={0,2}"),
    ("square-token", ("sq0csp-", "sq0atp-"), f"{_B64URL}{{22,}}"),
    ("shopify-token", ("shpat_", "shpca_", "shppa_", "shpss_"), f"{_HEX}{{32}}"),
    ("dropbox-token", ("sl.",), f"{_B64URL}{{100,}}"),
)
