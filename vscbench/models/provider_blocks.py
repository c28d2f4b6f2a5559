"""Which errors are a provider's filter at work: known by its code, its shape or its words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vscbench.models.provider_words import mapping

# Codes that say it alone, in lower case and without "_", "-", "." and spaces. OpenAI and Azure;
# Alibaba https://help.aliyun.com/zh/model-studio/error-code; Volcengine
# https://www.volcengine.com/docs/82379/1299023 (InputTextSensitiveContentDetected,
# OutputImageRiskDetection and their like); StepFun
# https://platform.stepfun.com/docs/zh/guide/exception; MiniMax
# https://platform.minimax.io/docs/api-reference/errorcode; Baidu; litellm's proxy.
CODES: Final = re.compile(
    r"contentfilter(?:ed)?|(?:image)?contentpolicyviolation(?:error)?|moderationblocked"
    r"|responsibleaipolicyviolation|datainspectionfailed|censorshipblocked|newsensitive"
    r"|(?:input|output)?\w*sensitivecontentdetected\w*|(?:input|output)\w+riskdetection"
    r"|(?:input|output)sensitive|prohibitedcontent|(?:content|prompt)blocked|baseresp102[67]"
    r"|guardrail(?:intervened|violation)|content(?:safety)?violation|safetyviolation"
    r"|unsafecontent|336104",
)
NOT_OF_A_CODE: Final = re.compile(r"[_\-. ]")
# With these one word of what was found is enough; alone, each is a plain bad request as well
# (https://github.com/microsoft/PyRIT/pull/1463) or a number that others use for something else.
WEAK_CODES: Final = frozenset(
    {
        "invalid_prompt",
        "policy_violation",
        "safety",
        "blocked",
        "moderation",
        "1301",
        "1026",
        "1027",
    }
)
# No words make a block of these: no key, no money, no such model, too much at once, or a server
# that may do better next time.
NO_BLOCK_STATUSES: Final = frozenset({401, 402, 404, 405, 407, 408, 413, 429, 502, 503, 504, 529})


@dataclass(frozen=True, slots=True)
class Language:
    """How errors in one language speak of a filter.

    A sentence describes a block where it names ``content`` (what was sent or written), a
    ``finding`` (what is wrong with it) and a ``verdict`` (what was done to it), or holds a
    ``phrase`` that says all of that; and where it has nothing of ``elsewhere``, which the same
    words may be about.
    """

    content: re.Pattern[str]
    finding: re.Pattern[str]
    elsewhere: re.Pattern[str]
    verdict: re.Pattern[str] = re.compile("")
    phrase: re.Pattern[str] = re.compile("(?!)")

    def describes_block(self, sentence: str) -> bool:
        """Whether a sentence does."""
        wanted = (self.content, self.finding, self.verdict)
        matched = all(each.search(sentence) for each in wanted) or self.phrase.search(sentence)
        return bool(matched) and not self.elsewhere.search(sentence)


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


def _words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)


BAD: Final = (
    *("unsafe", "harmful", "inappropriate", "sensitive", "offensive", "abusive", "toxic", "risky"),
    *("high[- ]risk", "dangerous", "violent", "sexual", "illicit", "explicit", "hateful"),
    *("disallowed", "prohibited", "unethical", "nsfw", "objectionable", "adult"),
)
WRITTEN: Final = (
    r"(?:contents?|prompts?|inputs?|outputs?|messages?|texts?|images?|responses?|completions?"
    r"|answers?|entit(?:y|ies))"
)
GUARDS: Final = r"(?:guard ?rails?|moderation|safety|jail-?break|injection|toxicity|content)"
ENGLISH: Final = Language(
    content=_words(
        *(WRITTEN, "in-puts?", "repl(?:y|ies)", "pictures?", "photos?", "quer(?:y|ies)"),
        *("questions?", "requests?", "generations?", "conversations?", "instructions?"),
        *("topics?", "materials?"),
        *(
            "information",
            "attachments?",
            "submissions?",
            "words?",
            "it (?:was|contains|includes|violates)",
        ),
    ),
    verdict=_words(
        *("block(?:ed|s|ing)", "flag(?:ged|s)", "reject(?:ed|s|ion)", "refus(?:ed|es|al)"),
        *("filter(?:ed|s)(?: out)?", "trigger(?:ed|s|ing)", "violat\\w+", "breach(?:ed|es)?"),
        *("contraven\\w+", "prohibit(?:ed|s)", "disallow(?:ed|s)", "den(?:ied|ies)", "hit"),
        *("not (?:be )?(?:allowed|permitted|acceptable|compliant)", "declin(?:ed|es)", "censored"),
        *(
            "forbid(?:s|den)",
            "tripped",
            "breaks?",
            "prevent(?:ed|s)",
            "cancel+ed",
            "(?:over|above|beyond) the allowed",
        ),
        *("moderated", "withheld", "removed", "stopped", "suppressed", "redacted", "interven\\w+"),
        *("restrict(?:ed|s)", "limit(?:ed|ing)? access", "detect(?:ed|s|ion)?", "contain\\w*"),
        *("includ(?:es|ed|ing)", "found", "identified", "classified", "considered", "deemed"),
        *("judged", "assessed", "marked", "exists?", "against", "matched", "unavailable"),
        *("not (?:pass|passed|comply|meet|adhere)", "fail(?:ed|s)", "unable to", "potentially"),
        *("can(?:not|'t|\u2019t) (?:be )?\\w+", "could not be \\w+ed", "will not", "won['\u2019]t"),
        *("(?:may|might|could) be", "involv(?:es|ed|ing)", "promot(?:es|ed|ing)", "relat(?:es|ed)"),
        *("falls? (?:under|into|outside)", "not (?:something|able)", "intercepted", "screened"),
        rf"(?:is|are|was|were|be|as|looks?|seems?|appears) (?:\w+ ){{0,2}}(?:{'|'.join(BAD)})",
    ),
    finding=_words(
        *(each for each in BAD if each != "sensitive"),
        *("(?<!case[- ])(?<!time[- ])sensitive", "safety", "harm", "moderation", "guard ?rails?"),
        *("content[ -]?(?:filter(?:s|ing)?|polic(?:y|ies)|management|guidelines?|standards?)",),
        *("content[ -]?(?:safety|moderation|security|restrictions?|rules|checks?|inspection)",),
        *("(?:usage|acceptable[ -]use|prohibited[ -]use|use) (?:polic(?:y|ies)|guidelines?)",),
        *("community (?:guidelines?|standards?|rules)", "responsible[ -]?ai", "safeguards?"),
        *("hate", "violence", "self[- ]harm", "suicide", "toxicity", "jail-?break\\w*", "abuse"),
        *("illegal (?:\\w+ )?(?:activit\\w+|acts?|contents?|behaviou?rs?|goods|use)", "graphic"),
        *("(?:forbidden|banned|blocked) (?:words?|contents?|topics?|terms?)", "threaten\\w+"),
        *("prompt[ -]injections?", "harass(?:ment|ing)", "pornograph\\w+", "nudity", "csam"),
        *("laws?", "regulations", "weapons?", "terroris\\w+", "extremis\\w+"),
        *("child (?:abuse|safety)", "bio(?:logical)?"),
        *("exists risk", "risks?", "censorship", "blocklists?", "prohibited content", "drugs?"),
        *("(?:our|the|this|these|company|\\w+['\u2019]s?) polic(?:y|ies)", "safety checks?"),
        *("violat(?:es|ed|ing|ion of) polic(?:y|ies)", "policy violations?"),
    ),
    phrase=_words(
        rf"{WRITTEN} (?:(?:was|were|is|are|has|have|been|being) )*(?:blocked|flagged|censored)",
        r"blocked (?:prompt|content|input|output|entity|response)",
        rf"(?:violat\w+|triggered) (?:\S+ ){{0,3}}(?:\w+ )?{GUARDS}(?: \w+)? (?:\S+ )?"
        r"(?:polic(?:y|ies)|thresholds?|rules?|checks?)",
        r"blocked by (?:\S+ ){1,3}guard ?rails?|blocked by prompt security",
        r"(?:jail-?break|prompt[ -]injection|content policy violation) (?:\w+ )?detected",
        r"contentpolicyviolation\w*|new sensitive|(?:in|out)put sensitive|prohibited content",
        r"blocked (?:for|due to|because of|by) (?:\w+ )?(?:reason: )?(?:safety|prohibited)",
    ),
    elsewhere=_words(
        *("accounts?", "organi[sz]ations?", "subscriptions?", "workspaces?", "tenants?", "tier"),
        *("(?:api|access|secret|your|this|the|leaked|that)[ -]keys?", "keys? (?:was|is|has|have)"),
        *("credentials?", "authenticat\\w+", "unauthori[sz]ed", "bearer", "entitle\\w*", "scopes?"),
        *("billing", "spend(?:ing)?", "budgets?", "credits?", "balance", "payments?", "quotas?"),
        *("(?:your|current|free|paid|trial) (?:\\w+ )?plan", "costs?", "usage limits?", "prepaid"),
        *("rate[- ]limit\\w*", "fair[- ](?:use|usage)", "too many", "throttl\\w+", "concurren\\w+"),
        *(
            "per (?:minute|second|hour|day|month)",
            "traffic",
            "automated (?:access|quer\\w+|req\\w+)",
        ),
        *("bots?", "scrap(?:er|ing)", "captcha", "slow down", "retry[- ]after", "capacity"),
        *("countr(?:y|ies)", "regions?", "territor(?:y|ies)", "(?:your|this) location", "geo\\w*"),
        *("ips?", "ip[- ]address(?:es)?", "networks?", "firewalls?", "waf", "vpc", "vpn", "cors"),
        *("prox(?:y|ies)", "dns", "egress", "ingress", "user[- ]agent", "zscaler", "cloudflare"),
        *("(?:data|privacy|retention|logging|network|access|tool|iam|bucket|password) polic\\w+",),
        *("(?:tokens?|cach(?:e|ing)|retry|encryption|budget|seat|device|export) polic\\w+",),
        *("(?<!content )security polic\\w+", "data[- ](?:retention|residency|collection|sharing)"),
        *("zero[- ]data", "zdr", "permissions?", "licen[cs]es?", "models? access", "sanctions?"),
        *("access to (?:the |this |that |our )?(?:\\S+ )?(?:models?|endpoints?|api|services?)",),
        *("terminated", "suspended", "deactivated", "banned", "closed", "expired", "revoked"),
        *("leaked", "context (?:length|window|size)", "max tokens", "(?:file|image|payload) size"),
        *("(?:token|length|size|character|input|output|context) limits?", "too (?:long|large|big)"),
        *(
            "(?:un|not )supported",
            "schema",
            "json",
            "integers?",
            "parameters?",
            "headers?",
            "fields?",
            "syntax",
        ),
        *("characters?", "encoding", "format", "media types?", "content[- ](?:type|length)"),
        *(
            "invalid (?:\\w+ )?(?:values?|arguments?|types?|categor(?:y|ies)|settings?)",
            "urls?",
            "expression",
        ),
        *("must (?:be|have|not)", "should be", "is required", "missing", "malformed", "deprecated"),
        *("timed? ?out", "time-?out", "unreachable", "no route", "overloaded", "misconfigured"),
        *("connection (?:refused|failed|error|reset|to)", "not configured", "does not exist"),
        *(
            "not found",
            "internal error",
            "could not (?:connect|reach|load)",
            "not be (?:loaded|run)",
        ),
        *(
            r"(?:service|server|endpoint|model|engine)s? (?:is |was |are )?(?:temporarily )?"
            r"(?:unavailable|down|failed|not available)",
        ),
        *(
            r"(?:filter|guard ?rail|moderation|classifier|check)s? (?:request |service |call )?"
            r"(?:failed|errored|crashed|is down|could not|encountered|unavailable)"
            r"(?! (?:the|this|your|for|on|because)|:? .*(?:detected|found|flagged))",
        ),
        *("users? (?:is|was|are|has|have)", "you (?:have been|are now|can no longer)"),
        *("repeated(?:ly)?", "api (?:usage|requests?)", "usage disabled", "administrators?"),
        *("abuse prevention", "suspected abuse", "polic(?:y|ies) (?:prohibits?|disallows?)"),
        *("(?:company|resource|control|azure) polic(?:y|ies)", "fails to satisfy"),
        *("the company['\u2019]s polic(?:y|ies)", "filter\\w* (?:off )?is not allowed"),
        r"(?:unable|failed|cannot|could not) (?:to )?(?:run|perform|reach|call|apply|check)",
        r"(?:can ?not|could not) be (?:applied|disabled|used|checked|completed|switched)",
        *("(?:can ?not|could not) connect", r"returned (?:an error|\d{3})", "inspection failed"),
        "(?:moderation|safety|filter) (?:\\w+ )?is unavailable",
    ),
)
# The other languages name the finding so that it needs no verdict beside it.
CHINESE: Final = Language(
    content=_any(
        *("内容", "內容", "输入", "輸入", "输出", "輸出", "提示", "图片", "圖片", "图像", "文本"),
        *("信息", "问题", "回答", "回复", "请求", "话题", "对话", "對話", "词", "prompt", "query"),
    ),
    finding=_any(
        *("敏感", "不安全", "违规", "違規", "违法", "違法", "不当", "不當", "不良", "有害", "违禁"),
        *("涉黄", "涉政", "涉暴", "暴恐", "色情", "暴力", "内容安全", "內容安全", "安全审核"),
        *(
            "内容审核",
            "审核(?:未|不)",
            "未通过.{0,4}审",
            "高风险",
            "存在风险",
            "安全策略",
            "安全风险",
            "不合规(?!范)",
        ),
        *("安全限制", "安全政策", "违反.{0,6}(?:法律|法规)", "无法通过安全", "屏蔽"),
    ),
    elsewhere=_any(
        *(
            "账号",
            "账户",
            "帐户",
            "帐号",
            "帳戶",
            "帳號",
            "密钥",
            "密鑰",
            "api ?key",
            "余额",
            "欠费",
        ),
        *("配额", "额度", "预算", "限流", "频率", "频繁", "并发", "地区", "区域", "国家", "网络"),
        *("(?<![a-z])IP(?![a-z])", "防火墙", "实名", "权限", "授权", "鉴权", "认证", "大小写"),
        *("格式", "超长", "长度", "过大", "超时", "服务不可用", "服务异常", "计费", "套餐", "充值"),
        *("封禁", "封号"),
    ),
)
JAPANESE: Final = Language(
    content=_any("コンテンツ", "内容", "入力", "出力", "プロンプト", "画像", "リクエスト", "応答"),
    finding=_any(
        *("不適切", "有害", "センシティブ", "安全性", "安全上", "危険な", "コンテンツ ?フィルタ"),
        *("ポリシー(?:に|の)?違反", "禁止され", "暴力", "性的", "ブロックされ"),
    ),
    elsewhere=_any(
        *("アカウント", "キー", "請求", "残高", "クォータ", "レート", "国", "地域", "ネットワーク"),
        *("権限", "認証", "形式", "パラメータ", "予算", "支出", "長さ", "トークン数"),
    ),
)
KOREAN: Final = Language(
    content=_any("콘텐츠", "컨텐츠", "내용", "입력", "출력", "프롬프트", "이미지", "요청", "응답"),
    finding=_any(
        *(
            "부적절",
            "유해",
            "민감",
            "안전 ?(?:정책|상|필터|시스템)",
            "콘텐츠 ?(?:정책|필터)",
            "위험한",
        ),
        *("폭력", "선정", "차단되었", "정책을? ?위반"),
    ),
    elsewhere=_any(
        *("계정", "API ?키", "결제", "잔액", "한도", "할당량", "요금", "국가", "지역", "네트워크"),
        *("권한", "인증", "형식", "매개변수", "예산", "지출", "길이", "속도"),
    ),
)
# Spanish, Portuguese, French, Italian, German and Russian, by the stems of their words.
EUROPEAN: Final = Language(
    content=_any(
        r"\b(?:contenid|conte[uú]d|contenut|contenu|inhalt|содержим|контент|запрос|сообщени)",
        r"\b(?:entrada|entrée|eingabe|anfrage|ausgabe|salida|sortie|imagen|imagem|immagin|bild)",
        r"\b(?:prompt|mensaje|mensagem|messaggio|nachricht|richiesta|requête|solicitud|pedido)",
        r"\b(?:изображени|demande|réponse|respuesta|resposta|risposta|antwort|ответ)",
    ),
    finding=_any(
        r"\b(?:inap+ropr?i|inadecuad|inadequad|inadeguat|unangemessen|unzulässig|ofensiv|offensan)",
        r"\b(?:da[ñn]in|nociv|dannos|préjudiciable|schädlich|gefährlich|dangereu|peligros)",
        r"\b(?:perigos|pericolos|violen[ct]|gewalt|sexu|sessual|filtro|filtre|inhaltsfilter)",
        r"\b(?:(?:sicherheits|inhalts)richtlinie|sicherheits(?:filter|system|gr))",
        r"\b(?:moderaci[oó]n|moderação|modération)",
        r"(?:pol[ií]tica|politique|richtlinie)\w* (?:\w+ )?(?:de|di|für|zu) "
        r"(?:conte|inhalt|uso|util|s[eé]cur|segur|sicur)",
        r"(?:motivos|razones|razões|raisons|motivi|gründen) (?:de|di|der) s[eéi]",
        r"\b(?:небезопасн|недопустим|вредн|опасн|насили|модерац|фильтр|запрещ[её]нн)",
        r"(?:соображениям|правил\w*) (?:безопасн|использован|сообществ)",
    ),
    elsewhere=_any(
        r"\b(?:cuenta|conta\b|compte|konto|аккаунт|уч[её]тн|clave|chave|clé|chiave|ключ)",
        r"schlüssel\b|\b(?:saldo|solde|guthaben|баланс|cuota|kontingent|квот|l[ií]mite|лимит)",
        r"\b(?:factur|fatur|fattur|abrechnung|оплат|gasto|dépense|presupuesto|orçamento|бюджет)",
        r"\b(?:pa[ií]s\b|pays\b|paese|стран|regi[oó]n|região|région|регион|netzwerk|сет[иь])",
        r"\b(?:permiso|permissão|berechtigung|autoris|autoriz|formato\b|paramet|parámet|параметр)",
        r"\b(?:größe|tamaño|taille|servicio no|serviço in)",
    ),
)
LANGUAGES: Final = (ENGLISH, CHINESE, JAPANESE, KOREAN, EUROPEAN)
SENTENCES: Final = re.compile(r"(?<=[.!?;])\s+|[。！？；\n]")  # noqa: RUF001 - Chinese sentences


def is_block_code(code: str) -> bool:
    """Whether a code names a filter's decision, whoever wrote it."""
    return CODES.fullmatch(NOT_OF_A_CODE.sub("", code.lower())) is not None


def is_block_status(status: int | None) -> bool:
    """Whether words can tell of a block where they come with this status."""
    return status not in NO_BLOCK_STATUSES


def describes_block(message: str, codes: Sequence[str] = ()) -> bool:
    """Whether an error's words say that a filter stopped what was sent or written.

    Args:
        message: the provider's words.
        codes: its words for the error's kind, in lower case.
    """
    sentences = [
        each
        for each in SENTENCES.split(message.replace("_", " "))
        if each.strip() and not ENGLISH.elsewhere.search(each)
    ]
    if any(each.describes_block(sentence) for each in LANGUAGES for sentence in sentences):
        return True
    if not WEAK_CODES.intersection(codes):
        return False
    return any(
        each.finding.search(sentence) and not each.elsewhere.search(sentence)
        for each in LANGUAGES
        for sentence in sentences
    )


def marks_content(body: Mapping[str, Any]) -> bool:
    """Whether an error's body names, beside its words, what a filter found (Zhipu)."""
    places = (body, mapping(body.get("error")))
    return any(place.get(name) for place in places for name in ("contentFilter", "content_filter"))


def holds_word(text: str, words: Sequence[str]) -> bool:
    """Whether a text holds one of a project's own words for a block, in whatever case."""
    folded = text.casefold()
    return any(word.casefold() in folded for word in words)
