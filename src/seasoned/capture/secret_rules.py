"""Secrets that are known by their own shape: tokens that providers issue with a fixed prefix.

Each rule is a literal that opens the token (the *anchor*, found for all rules in one pass by ``redact``) and a pattern
that must match from there on. Written from the providers' public descriptions of their formats, named beside each.
Patterns are one character class after another with bounded or greedy repeats and no nesting, so matching at an anchor
costs at most the token's length; a random digest or UUID has no such prefix and is not touched.

Lengths are lower bounds where providers have lengthened tokens before: a longer token is still one.
"""

import re
from dataclasses import dataclass
from functools import cache

__all__ = ["TOKEN_RULES", "TokenRule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRule:
    """One kind of token."""

    name: str
    """What stands in the placeholder: ``«redacted:NAME:…»``."""
    anchors: tuple[bytes, ...]
    """Literal beginnings, case-sensitive."""
    expression: bytes
    """Matches from the anchor on; group 1, where there is one, is the secret part."""
    opening: str = ""
    """RE2 pattern that must follow an anchor for the place to be looked at: keeps anchors that are parts of words from
    costing time or covering another anchor."""
    bare: bool = False
    """True: the anchor is short or common, so nothing of a word may stand before it."""

    @property
    def pattern(self) -> re.Pattern[bytes]:
        """The expression, compiled when its anchor is first met: all together would cost every command 10 ms."""
        return _compiled(self.expression)


@cache
def _compiled(expression: bytes) -> re.Pattern[bytes]:
    return re.compile(expression, re.DOTALL)


def _rule(name: str, anchors: str, pattern: str, source: str, *, opening: str = "", bare: bool = False) -> TokenRule:
    """``anchors`` are separated by blanks; ``source`` says where the format is documented, for the reader."""
    del source
    return TokenRule(
        name=name,
        anchors=tuple(anchor.encode() for anchor in anchors.split()),
        expression=pattern.encode(),
        opening=opening,
        bare=bare,
    )


_W = r"[A-Za-z0-9_-]"
_A = r"[A-Za-z0-9]"
_H = r"[0-9a-f]"

# fmt: off
# One rule, two or three lines: the table is read by comparing its rows.
TOKEN_RULES: tuple[TokenRule, ...] = (
    # -- clouds ---------------------------------------------------------------------------------
    _rule("aws-access-key", "AKIA ASIA ABIA ACCA",
          r"A[KSBC]IA[A-Z2-7]{16}(?![A-Za-z0-9])|ACCA[A-Z2-7]{16}(?![A-Za-z0-9])",
          "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html", bare=True),
    _rule("aws-bedrock-key", "ABSK", r"ABSK[A-Za-z0-9+/]{100,}={0,2}",
          "AWS Bedrock API keys", bare=True),
    _rule("gcp-api-key", "AIza", rf"AIza{_W}{{35}}(?!{_W})",
          "https://cloud.google.com/docs/authentication/api-keys"),
    _rule("gcp-oauth-token", "ya29. GOCSPX- 1//0", rf"ya29\.{_W}{{20,}}|GOCSPX-{_W}{{28}}|1//0{_W}{{30,}}",
          "https://developers.google.com/identity/protocols/oauth2"),
    _rule("azure-client-secret", "7Q~ 8Q~ 9Q~", r"[789]Q~[A-Za-z0-9_~.-]{31,34}",
          "https://learn.microsoft.com/purview/sit-defn-client-secret-api-key"),
    _rule("azure-sas", "sig=", r"sig=([A-Za-z0-9%/+]{40,}(?:%3[Dd]|=))",
          "https://learn.microsoft.com/azure/storage/common/storage-sas-overview", opening="[A-Za-z0-9%/+]{16}"),
    _rule("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", rf"do[opr]_v1_{_H}{{64}}",
          "https://docs.digitalocean.com/reference/api/create-personal-access-token/"),
    _rule("heroku-token", "HRKU-", rf"HRKU-{_W}{{36,}}",
          "https://devcenter.heroku.com/articles/authentication"),
    _rule("alibaba-access-key", "LTAI", rf"LTAI{_A}{{17,26}}(?!{_A})",
          "Alibaba Cloud RAM AccessKey ID", bare=True),
    _rule("tencent-secret-id", "AKID", rf"AKID{_A}{{32}}(?!{_A})",
          "Tencent Cloud CAM SecretId", bare=True),
    _rule("flyio-token", "fo1_ fm1r_ fm1a_ fm2_", r"f(?:o1|m1[ra]|m2)_[A-Za-z0-9_+/=-]{40,}",
          "https://fly.io/docs/security/tokens/"),
    _rule("supabase-token", "sbp_ sb_secret_", rf"sbp_{_H}{{40}}|sb_secret_{_W}{{20,}}",
          "https://supabase.com/docs/guides/api/api-keys"),
    _rule("planetscale-token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[\w.=-]{30,}",
          "https://planetscale.com/docs"),
    _rule("netlify-token", "nfp_", rf"nfp_{_A}{{36,}}",
          "https://docs.netlify.com/api/get-started/", bare=True),
    _rule("databricks-token", "dapi", rf"dapi{_H}{{32}}(?:-\d)?",
          "https://docs.databricks.com/dev-tools/auth/pat", opening="[0-9a-f]{8}", bare=True),
    _rule("cloudflare-origin-key", "v1.0-", rf"v1\.0-{_H}{{24}}-{_H}{{146}}",
          "Cloudflare Origin CA keys", bare=True),
    # -- code hosting, packages, builds ---------------------------------------------------------
    _rule("github-token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
          rf"gh[pousr]_{_A}{{36,}}|github_pat_[A-Za-z0-9_]{{22,}}",
          "https://github.blog/engineering/behind-githubs-new-authentication-token-formats/"),
    _rule("gitlab-token", "glpat- glptt- gldt- glrt- glcbt- glft- glimt- glagent- gloas- glsoat- glffct- GR1348941",
          rf"gl(?:pat|ptt|dt|rt|cbt|ft|imt|agent|oas|soat|ffct)-{_W}{{20,}}(?:\.{_W}+)*|GR1348941{_W}{{20,}}",
          "https://docs.gitlab.com/security/tokens/#token-prefixes"),
    _rule("bitbucket-token", "ATBB ATCTT3", rf"ATBB{_A}{{24,}}|ATCTT3{_W}{{60,}}",
          "Bitbucket app passwords", bare=True),
    _rule("atlassian-token", "ATATT3", r"ATATT3[A-Za-z0-9_=-]{60,}",
          "https://support.atlassian.com/atlassian-account/"),
    _rule("npm-token", "npm_", rf"npm_{_A}{{36}}(?!{_A})",
          "https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/"),
    _rule("pypi-token", "pypi-AgE", rf"pypi-AgE{_W}{{50,}}",
          "https://github.com/pypi/warehouse, macaroons with the prefix pypi-"),
    _rule("rubygems-token", "rubygems_", rf"rubygems_{_H}{{48}}",
          "https://guides.rubygems.org/api-key-scopes/"),
    _rule("crates-token", "cio", rf"cio{_A}{{32}}(?!{_A})",
          "https://crates.io", opening="[A-Za-z0-9]{12}", bare=True),
    _rule("nuget-key", "oy2", r"oy2[a-z0-9]{43}(?![A-Za-z0-9])",
          "https://learn.microsoft.com/nuget/", opening="[a-z0-9]{12}", bare=True),
    _rule("docker-token", "dckr_pat_ dckr_oat_", rf"dckr_[po]at_{_W}{{27,}}",
          "https://docs.docker.com/security/access-tokens/"),
    _rule("jfrog-token", "AKCp", rf"AKCp{_A}{{69,}}",
          "https://jfrog.com/help", bare=True),
    _rule("circleci-token", "CCIPAT_ CCIPRJ_", rf"CCIP(?:AT|RJ)_{_A}{{22}}_{_H}{{40}}",
          "https://circleci.com/docs/managing-api-tokens/"),
    _rule("buildkite-token", "bkua_", rf"bkua_{_H}{{40}}",
          "https://buildkite.com/docs/apis/managing-api-tokens"),
    _rule("vault-token", "hvs. hvb. hvr.", rf"hv[sbr]\.{_W}{{24,}}",
          "https://developer.hashicorp.com/vault/docs/concepts/tokens"),
    _rule("terraform-token", ".atlasv1.", rf"\.atlasv1\.{_W}{{60,}}",
          "https://developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/api-tokens"),
    _rule("pulumi-token", "pul-", rf"pul-{_H}{{40}}",
          "https://www.pulumi.com/docs/", opening="[0-9a-f]{8}", bare=True),
    _rule("doppler-token", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.",
          rf"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[\w-]{{2,35}}\.)?{_A}{{40,44}}",
          "https://docs.doppler.com/reference/auth-token-formats"),
    _rule("onepassword-token", "ops_eyJ", r"ops_eyJ[A-Za-z0-9+/_-]{60,}={0,2}",
          "https://developer.1password.com/docs/service-accounts/"),
    _rule("age-secret-key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{50,}",
          "https://age-encryption.org/v1"),
    _rule("sonar-token", "squ_ sqp_ sqa_", rf"sq[upa]_{_H}{{40}}",
          "https://docs.sonarsource.com", opening="[0-9a-f]{8}", bare=True),
    _rule("snyk-token", "snyk_", rf"snyk_(?:uat|sat)\.{_H}{{8}}\.{_W}{{30,}}(?:\.{_W}+)*",
          "https://docs.snyk.io", bare=True),
    _rule("codecov-sentry-token", "sntrys_ sntryu_", r"sntry[su]_[A-Za-z0-9+/=_-]{40,}",
          "https://docs.sentry.io/account/auth-tokens/"),
    # -- chat and mail --------------------------------------------------------------------------
    _rule("slack-token", "xoxa- xoxb- xoxe- xoxe. xoxp- xoxr- xoxs- xoxo- xapp-",
          r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}",
          "https://api.slack.com/authentication/token-types"),
    _rule("slack-webhook", "hooks.slack.com/",
          r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{20,})",
          "https://api.slack.com/messaging/webhooks"),
    _rule("discord-webhook", "discord.com/api/webhooks/ discordapp.com/api/webhooks/",
          rf"discord(?:app)?\.com/api/webhooks/\d{{15,22}}/({_W}{{50,}})",
          "https://discord.com/developers/docs/resources/webhook"),
    _rule("teams-webhook", ".webhook.office.com/", r"\.webhook\.office\.com/webhookb2/([A-Za-z0-9@/-]{60,})",
          "https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/"),
    _rule("twilio-key", "SK", rf"SK[0-9a-fA-F]{{32}}(?!{_A})",
          "https://www.twilio.com/docs/iam/api-keys", opening="[0-9a-f]{8}", bare=True),
    _rule("sendgrid-key", "SG.", r"SG\.[\w=.-]{30,80}",
          "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys", bare=True),
    _rule("mailgun-key", "key-", rf"key-{_H}{{32}}(?!{_A})",
          "https://documentation.mailgun.com", opening="[0-9a-f]{8}", bare=True),
    _rule("brevo-key", "xkeysib-", rf"xkeysib-{_H}{{64}}-{_A}{{16}}",
          "https://developers.brevo.com"),
    _rule("resend-key", "re_", r"re_[A-Za-z0-9]{6,12}_[A-Za-z0-9]{18,30}(?![A-Za-z0-9_])",
          "https://resend.com/docs", opening="[A-Za-z0-9]{6}", bare=True),
    # -- payment and shops ----------------------------------------------------------------------
    _rule("stripe-key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_ whsec_",
          rf"[sr]k_(?:live|test|prod)_{_A}{{10,}}|whsec_[A-Za-z0-9+/=]{{24,}}",
          "https://docs.stripe.com/keys"),
    _rule("square-token", "sq0atp- sq0csp- EAAA", rf"sq0(?:atp|csp)-{_W}{{22,}}|EAAA{_W}{{22,}}",
          "https://developer.squareup.com/docs/build-basics/access-tokens", bare=True),
    _rule("shopify-token", "shpat_ shpca_ shppa_ shpss_ shptka_", r"shp(?:at|ca|pa|ss|tka)_[a-fA-F0-9]{32}",
          "https://shopify.dev/changelog/length-of-the-shopify-access-token-is-increasing"),
    _rule("paypal-token", "access_token$", rf"access_token\$(?:production|sandbox)\$[a-z0-9]{{16}}\${_H}{{32}}",
          "https://developer.paypal.com/braintree"),
    _rule("plaid-token", "access-sandbox- access-production- access-development-",
          rf"access-(?:sandbox|production|development)-{_H}{{8}}-[0-9a-f-]{{27}}",
          "https://plaid.com/docs/quickstart/glossary/"),
    _rule("flutterwave-key", "FLWSECK", r"FLWSECK(?:_TEST)?-[A-Za-z0-9]{12,}",
          "https://developer.flutterwave.com"),
    # -- language models ------------------------------------------------------------------------
    _rule("anthropic-key", "sk-ant-", rf"sk-ant-{_W}{{20,}}",
          "https://docs.anthropic.com/en/api/overview"),
    _rule("openrouter-key", "sk-or-", rf"sk-or-(?:v1-)?{_H}{{32,}}",
          "https://openrouter.ai/docs/api-keys"),
    _rule("langfuse-key", "sk-lf-", r"sk-lf-[0-9a-f-]{30,}",
          "https://langfuse.com/docs"),
    _rule("openai-key", "sk-",
          rf"sk-(?:proj|svcacct|admin|None)-{_W}{{20,}}|sk-{_A}{{20,}}(?!{_W})|sk-[A-Za-z0-9-]{{0,20}}-{_A}{{32,}}",
          "https://platform.openai.com/docs/api-reference/authentication", opening="[A-Za-z0-9_-]{12}", bare=True),
    _rule("huggingface-token", "hf_ api_org_", rf"hf_{_A}{{30,}}|api_org_{_A}{{30,}}",
          "https://huggingface.co/docs/hub/security-tokens", opening="[A-Za-z0-9]{10}", bare=True),
    _rule("groq-key", "gsk_", rf"gsk_{_A}{{40,}}",
          "https://console.groq.com/docs", bare=True),
    _rule("replicate-token", "r8_", rf"r8_{_A}{{37}}",
          "https://replicate.com/docs/topics/security/api-tokens", bare=True),
    _rule("xai-key", "xai-", rf"xai-{_A}{{70,}}",
          "https://docs.x.ai", bare=True),
    _rule("perplexity-key", "pplx-", rf"pplx-{_A}{{40,}}",
          "https://docs.perplexity.ai"),
    _rule("langsmith-key", "lsv2_", rf"lsv2_(?:pt|sk)_{_H}{{32}}_{_H}{{10}}",
          "https://docs.smith.langchain.com"),
    _rule("pinecone-key", "pcsk_", r"pcsk_[A-Za-z0-9_]{50,}",
          "https://docs.pinecone.io"),
    _rule("nvidia-key", "nvapi-", rf"nvapi-{_W}{{60,}}",
          "https://docs.api.nvidia.com"),
    _rule("tavily-key", "tvly-", rf"tvly-{_W}{{20,}}",
          "https://docs.tavily.com"),
    _rule("cerebras-key", "csk-", rf"csk-{_A}{{40,}}",
          "https://inference-docs.cerebras.ai", bare=True),
    _rule("fireworks-key", "fw_", rf"fw_{_A}{{22,24}}(?!{_A})",
          "https://docs.fireworks.ai", opening="[A-Za-z0-9]{12}", bare=True),
    _rule("elevenlabs-key", "sk_", rf"sk_{_H}{{48}}(?!{_A})",
          "https://elevenlabs.io/docs", opening="[0-9a-f]{10}", bare=True),
    # -- services -------------------------------------------------------------------------------
    _rule("linear-key", "lin_api_ lin_oauth_", rf"lin_(?:api|oauth)_{_A}{{32,}}",
          "https://linear.app/developers"),
    _rule("notion-token", "ntn_", rf"ntn_{_A}{{40,}}",
          "https://developers.notion.com/changelog", bare=True),
    _rule("notion-token", "secret_", rf"secret_{_A}{{43}}(?!{_A})",
          "as above", opening="[A-Za-z0-9]{40}", bare=True),
    _rule("figma-token", "figd_", rf"figd_{_W}{{38,}}",
          "https://www.figma.com/developers/api"),
    _rule("airtable-token", "pat", rf"pat{_A}{{14}}\.{_H}{{64}}",
          "https://airtable.com/developers/web/guides/personal-access-tokens", opening="[A-Za-z0-9]{14}", bare=True),
    _rule("newrelic-key", "NRAK- NRJS- NRII- NRAA-", rf"NR(?:AK|JS|II|AA)-{_W}{{19,}}",
          "https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/"),
    _rule("grafana-token", "glsa_ glc_", rf"glsa_{_A}{{32}}_[A-Fa-f0-9]{{8}}|glc_[A-Za-z0-9+/]{{32,}}={{0,2}}",
          "https://grafana.com/docs/grafana/latest/administration/service-accounts/"),
    _rule("posthog-key", "phx_", rf"phx_{_A}{{40,}}",
          "https://posthog.com/docs/api"),
    _rule("contentful-token", "CFPAT-", rf"CFPAT-{_W}{{43}}",
          "https://www.contentful.com/developers/docs/references/authentication/"),
    _rule("postman-key", "PMAK-", rf"PMAK-{_H}{{24}}-{_H}{{34}}",
          "https://learning.postman.com/docs/developer/postman-api/authentication/"),
    _rule("dropbox-token", "sl.", rf"sl\.(?:u\.)?{_W}{{100,}}",
          "https://developers.dropbox.com/oauth-guide", opening="[A-Za-z0-9_-]{16}", bare=True),
    _rule("mapbox-token", "sk.eyJ", rf"sk\.eyJ{_W}{{40,}}\.{_W}{{15,}}",
          "https://docs.mapbox.com/accounts/guides/tokens/"),
    _rule("facebook-token", "EAA", rf"EAA{_A}{{80,}}",
          "https://developers.facebook.com/docs/facebook-login/", opening="[A-Za-z0-9]{20}", bare=True),
    _rule("dynatrace-token", "dt0c01. dt0s01. dt0s16.", r"(?i:dt0[cs]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64})",
          "https://docs.dynatrace.com/docs/manage/identity-access-management"),
    _rule("easypost-key", "EZAK EZTK", rf"EZ[AT]K{_A}{{54}}",
          "https://docs.easypost.com", bare=True),
    _rule("typeform-token", "tfp_", rf"tfp_{_W}{{40,}}",
          "https://www.typeform.com/developers/", opening="[A-Za-z0-9_-]{10}", bare=True),
    _rule("prefect-key", "pnu_ pnb_", rf"pn[ub]_{_A}{{36}}",
          "https://docs.prefect.io", opening="[A-Za-z0-9]{10}", bare=True),
    _rule("adafruit-key", "aio_", rf"aio_{_A}{{28}}(?!{_A})",
          "https://io.adafruit.com/api/docs/", opening="[A-Za-z0-9]{10}", bare=True),
    _rule("octopus-key", "API-", r"API-[A-Z0-9]{26,32}(?![A-Za-z0-9])",
          "https://octopus.com/docs/octopus-rest-api/how-to-create-an-api-key", opening="[A-Z0-9]{20}", bare=True),
    # -- further services --------------------------------------------------------------------------------------
    _rule("onepassword-key", "A3-", r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
          "https://support.1password.com/secret-key/", opening="[A-Z0-9]{6}-", bare=True),
    _rule("adobe-secret", "p8e-", rf"p8e-{_W}{{32}}", "https://developer.adobe.com", bare=True),
    _rule("artifactory-token", "cmVmdGtu cmVmdG", rf"cmVmdG{_A}{{50,}}",
          "https://jfrog.com/help (reference tokens)", bare=True),
    _rule("authress-key", "scauth_ sc_ext_", rf"(?:scauth|sc_ext)_{_W}{{5,}}\.[\w.-]{{40,}}=*",
          "https://authress.io/knowledge-base"),
    _rule("aws-bedrock-key", "bedrock-api-key-", r"bedrock-api-key-[A-Za-z0-9+/=]{20,}", "AWS Bedrock, short-lived"),
    _rule("clickhouse-key", "4b1d", rf"4b1d{_A}{{38}}(?!{_A})",
          "https://clickhouse.com/docs", opening="[A-Za-z0-9]{20}", bare=True),
    _rule("clojars-token", "CLOJARS_", r"CLOJARS_[a-z0-9]{60}",
          "https://github.com/clojars/clojars-web/wiki/Deploy-Tokens"),
    _rule("duffel-token", "duffel_", r"duffel_(?:test|live)_[\w=-]{43}", "https://duffel.com/docs"),
    _rule("defined-networking-token", "dnkey-", r"dnkey-[\w=-]{20,}", "https://docs.defined.net"),
    _rule("frameio-token", "fio-u-", r"fio-u-[\w=-]{40,}", "https://developer.frame.io", bare=True),
    _rule("grafana-token", "eyJrIjoi", rf"eyJrIjoi{_A}{{50,}}={{0,3}}",
          "https://grafana.com/docs/grafana/latest/developers/http_api/auth/"),
    _rule("harness-key", "pat. sat.", rf"[ps]at\.{_W}{{22}}\.{_H}{{24}}\.{_A}{{20}}", "https://developer.harness.io",
          opening="[A-Za-z0-9_-]{22}", bare=True),
    _rule("infracost-key", "ico-", rf"ico-{_A}{{32}}(?!{_A})", "https://www.infracost.io/docs/", bare=True),
    _rule("intra42-secret", "s-s4t2", rf"s-s4t2(?:ud|af)-{_H}{{64}}", "https://api.intra.42.fr/apidoc", bare=True),
    _rule("openshift-token", "sha256~", rf"sha256~{_W}{{43}}", "https://docs.openshift.com"),
    _rule("readme-key", "rdme_", r"rdme_[a-z0-9]{70}", "https://docs.readme.com"),
    _rule("scalingo-token", "tk-us-", rf"tk-us-{_W}{{48}}", "https://developers.scalingo.com", bare=True),
    _rule("settlemint-token", "sm_aat_ sm_pat_ sm_sat_", rf"sm_[aps]at_{_A}{{16}}", "https://console.settlemint.com"),
    _rule("shippo-token", "shippo_live_ shippo_test_", r"shippo_(?:live|test)_[0-9a-fA-F]{40}",
          "https://docs.goshippo.com"),
    _rule("sourcegraph-token", "sgp_", rf"sgp_(?:(?:local|{_H}{{16}})_)?[0-9a-fA-F]{{40}}",
          "https://sourcegraph.com/docs", bare=True),
    _rule("yandex-token", "AQVN y0_ YCAJ YCM", rf"AQVN{_W}{{35,38}}|y0_{_W}{{50,}}|YC[A-Z]{_W}{{35,38}}",
          "https://yandex.cloud/docs/iam/",
          opening="[A-Za-z0-9_-]{20}", bare=True),
    _rule("yandex-token", "t1.", rf"t1\.{_W}{{20,}}={{0,2}}\.{_W}{{80,}}={{0,2}}",
          "as above", opening="[A-Za-z0-9_-]{20}", bare=True),
    _rule("gocardless-token", "live_", r"live_[A-Za-z0-9_=-]{40}(?![A-Za-z0-9_=-])", "https://developer.gocardless.com",
          opening="[A-Za-z0-9_=-]{30}", bare=True),
    _rule("mailgun-public-key", "pubkey-", rf"pubkey-{_H}{{32}}", "https://documentation.mailgun.com"),
    _rule("maxmind-key", "_mmk", r"_mmk(?![A-Za-z0-9])", "https://dev.maxmind.com/license-key-formats"),
    _rule("telegram-token", ":AA :Ag", rf":A[Ag]{_W}{{33}}(?!{_W})",
          "https://core.telegram.org/bots/api#authorizing-your-bot",
          opening="[A-Za-z0-9_-]{20}"),
    _rule("mailchimp-key", "-us", r"-us\d{1,2}(?![A-Za-z0-9])", "https://mailchimp.com/developer/", opening="[0-9]"),
    _rule("jwt", "ZXlK", rf"ZXlK{_A}{{60,}}={{0,2}}",
          "a JWT in base64 once more", opening="[A-Za-z0-9]{20}", bare=True),
    # -- formats --------------------------------------------------------------------------------
    _rule("jwt", "eyJ", rf"eyJ{_W}{{10,}}(?:\.(?:{_W}+|$)){{1,4}}(?:\.(?![A-Za-z]))?|eyJ{_W}{{120,}}={{0,2}}",
          "https://www.rfc-editor.org/rfc/rfc7519", opening="[A-Za-z0-9_-]{8}", bare=True),
    _rule("jwt", "ey", rf"ey{_W}{{15,}}\.ey{_W}{{10,}}\.{_W}{{10,}}",
          "as above", opening="[A-Za-z0-9_-]+\\.ey[A-Za-z0-9]", bare=True),
    _rule("password-hash", "$2a$ $2b$ $2y$ $6$ $5$ $y$ $argon2 $apr1$ $1$ $pbkdf2",
          r"\$(?:2[aby]\$\d\d\$[./A-Za-z0-9]{53}|(?:[156y]"
          r"|apr1)\$(?:rounds=\d+\$)?[./A-Za-z0-9$]{0,20}\$[./A-Za-z0-9]{20,86}"
          r"|argon2(?:id?|d)\$[\w=,$+/]{40,}|pbkdf2[\w-]*\$[\w=,$+/.]{40,})",
          "crypt(5)"),
)
# fmt: on
"""All token rules. Where two share an anchor the first that matches wins."""
