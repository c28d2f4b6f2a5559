# ruff: noqa: RUF001 - providers write in their own scripts
from collections.abc import Mapping
from typing import Any

import pytest

from vscbench.models.provider_errors import error_in, read_error
from vscbench.records import Cause

Body = Mapping[str, Any]


def fault(message: str, code: object = None, kind: str | None = None, **body: object) -> Body:
    return {"error": {"message": message, "code": code, "type": kind}, **body}


# What providers have written where a filter stopped a prompt or an answer: HTTP's status, body.
BLOCKS: list[tuple[int, Body]] = [
    # OpenAI
    (
        400,
        fault(
            "Invalid prompt: we've limited access to this content for safety reasons. This type of "
            "information may be used to benefit or to harm people.",
            "invalid_prompt",
        ),
    ),
    (
        400,
        fault(
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy. "
            "Please try again with a different prompt.",
            "invalid_prompt",
        ),
    ),
    (400, fault("Your request was rejected as a result of our safety system.", "x")),
    (
        400,
        fault("This request has been flagged for possible cybersecurity risk.", "invalid_prompt"),
    ),
    (400, fault("Your input image may contain content that is not allowed by our safety system.")),
    (400, fault("This content violates our policies. Repeated violations may close your account.")),
    # Azure
    (
        400,
        fault(
            "The response was filtered due to the prompt triggering Azure OpenAI's content "
            "management policy. Please modify your prompt and retry."
        ),
    ),
    (400, fault("Filtered.", "content_filter")),
    (400, fault("x", "ResponsibleAIPolicyViolation")),
    # Anthropic, Bedrock, Google, xAI, Cohere, Mistral, Groq
    (400, fault("Output blocked by content filtering policy", kind="invalid_request_error")),
    (400, {"message": "This request has been blocked by our content filters."}),
    (400, {"message": "The generated text has been blocked by our content filters."}),
    (
        400,
        fault(
            "The prompt could not be submitted. It contains sensitive words that violate "
            "Google's Responsible AI practices."
        ),
    ),
    (400, fault("Request blocked. Finish reason: PROHIBITED_CONTENT")),
    (400, fault("The response is blocked due to safety reason: HARM_CATEGORY_HARASSMENT")),
    (403, {"code": "no", "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK"}),
    (400, {"message": "invalid request: your text contains content considered toxic or harmful"}),
    (403, {"error": {"message": "Content blocked by guardrail"}}),
    (403, fault("Your input was flagged.")),
    (400, fault("The prompt was classified as unsafe by Llama Guard: S1 violent crimes")),
    # litellm's proxy and others of its kind
    (400, fault("Violated guardrail policy")),
    (400, fault("Violated content safety policy")),
    (400, fault("Violated OpenAI moderation policy")),
    (400, fault("Violated prompt_injection threshold")),
    (400, fault("Violated jailbreak threshold")),
    (400, fault("Violated Azure Prompt Shield guardrail policy")),
    (400, fault("Blocked entity detected: PHONE by Guardrail: presidio.")),
    (400, fault("Content violates policy")),
    (400, fault("Blocked by Prompt Security, Violations: Secrets")),
    (400, fault("Prompt injection attack detected")),
    # China
    (
        400,
        fault(
            "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语。",
            "1301",
            contentFilter=[{"level": 1, "role": "user"}],
        ),
    ),
    (400, fault("System detected potentially unsafe or sensitive content in input.", "1301")),
    (400, fault("x", "1301", contentFilter=[{"level": 0, "role": "assistant"}])),
    (
        500,
        fault(
            "input new_sensitive, messages[0]'s content[0] image is sensitive, please check your "
            "input (1026)",
            kind="server_error",
        ),
    ),
    (500, fault("output new_sensitive (1027)", kind="server_error")),
    (422, fault("input new_sensitive (1026)")),
    (200, {"choices": None, "base_resp": {"status_code": 1026, "status_msg": "input sensitive"}}),
    (200, {"choices": [{}], "base_resp": {"status_code": 1027, "status_msg": "x"}}),
    (400, fault("Input data may contain inappropriate content.", "data_inspection_failed")),
    (400, {"code": "DataInspectionFailed", "message": "Output data may contain inappropriate."}),
    (
        400,
        fault(
            "The request was rejected because it was considered high risk", 400, "content_filter"
        ),
    ),
    (400, fault("Content Exists Risk", "invalid_request_error")),
    (
        400,
        fault(
            "The request failed because the input text may contain sensitive information.",
            "InputTextSensitiveContentDetected",
        ),
    ),
    (400, fault("x", "InputImageSensitiveContentDetected.PolicyViolation")),
    (400, fault("x", "OutputTextSensitiveContentDetected")),
    (400, fault("x", "SensitiveContentDetected.Violence")),
    (400, fault("x", "OutputImageRiskDetection")),
    (
        451,
        fault(
            "The content you provided or machine outputted is blocked.", kind="censorship_blocked"
        ),
    ),
    (400, {"error_code": 336104, "error_msg": "x"}),
    (400, fault("输入内容涉及违规信息，请修改后重试")),
    (400, fault("您的问题包含敏感词，请换个话题")),
    (403, fault("生成内容未通过内容安全审核")),
    (500, fault("模型输出内容不合规，已被屏蔽")),
    (400, {"error": {"message": "輸入內容違規，請重新輸入"}}),
    # other languages
    (400, fault("入力内容に不適切な表現が含まれています。")),
    (400, fault("부적절한 콘텐츠가 포함되어 요청이 차단되었습니다.")),
    (400, fault("Su solicitud contiene contenido inapropiado.")),
    (400, fault("O conteúdo foi bloqueado por motivos de segurança.")),
    (400, fault("Votre demande a été bloquée par le filtre de contenu.")),
    (400, fault("Die Eingabe verstößt gegen unsere Sicherheitsrichtlinien.")),
    (400, fault("Запрос отклонён: недопустимый контент.")),
    (400, fault("La richiesta contiene contenuti inappropriati.")),
]

# What sounds like a block and is none: HTTP's status, body, what it means for the run.
ERRORS: list[tuple[int, Body, Cause]] = [
    # accounts and keys
    (
        403,
        fault("Your account has been deactivated for violating our policies."),
        Cause.AUTHENTICATION,
    ),
    (
        400,
        fault(
            "Your access was terminated due to violation of our policies, please check your email.",
            kind="access_terminated",
        ),
        Cause.AUTHENTICATION,
    ),
    (
        400,
        fault("Organization has been restricted. Please reach out to support."),
        Cause.AUTHENTICATION,
    ),
    (
        403,
        fault("This account was suspended for repeated violations of the usage policy."),
        Cause.AUTHENTICATION,
    ),
    (
        403,
        fault("Your API key was reported as leaked. Please use another API key."),
        Cause.AUTHENTICATION,
    ),
    (403, fault("API key blocked: it was detected in public content."), Cause.AUTHENTICATION),
    (
        403,
        fault("The API key has been disabled by your administrator's safety policy."),
        Cause.AUTHENTICATION,
    ),
    (403, fault("您的账号因违规已被封禁"), Cause.AUTHENTICATION),
    (401, fault("Content blocked"), Cause.AUTHENTICATION),
    # money
    (400, fault("Request violated the spending policy of this workspace."), Cause.QUOTA),
    (403, fault("Request blocked by your organization's budget policy."), Cause.QUOTA),
    (403, fault("Blocked: the prompt would exceed the budget limit set by policy."), Cause.QUOTA),
    (400, fault("账户余额不足"), Cause.QUOTA),
    (402, fault("Prompt rejected: unsafe balance"), Cause.QUOTA),
    # too much at once
    (403, fault("Your requests violate our fair-use policy; slow down."), Cause.RATE_LIMIT),
    (400, fault("Request rejected by the rate-limit policy of this deployment."), Cause.RATE_LIMIT),
    (429, fault("Request flagged by the safety system's limiter"), Cause.RATE_LIMIT),
    # where and how
    (
        403,
        fault(
            "Country, region, or territory not supported", "unsupported_country_region_territory"
        ),
        Cause.AUTHENTICATION,
    ),
    (403, fault("The content of this service is restricted in your region."), Cause.AUTHENTICATION),
    (403, fault("Your request was blocked by the network security policy."), Cause.AUTHENTICATION),
    (
        403,
        fault("Request blocked by the corporate firewall: unsafe destination."),
        Cause.AUTHENTICATION,
    ),
    (403, fault("Request violates VPC Service Controls."), Cause.AUTHENTICATION),
    (
        404,
        fault("No endpoints found matching your data policy. Enable prompt training."),
        Cause.NOT_FOUND,
    ),
    (
        400,
        fault("This request violates the data retention policy of your organization."),
        Cause.BAD_REQUEST,
    ),
    (
        400,
        fault("Requests with images violate the privacy policy of this workspace."),
        Cause.BAD_REQUEST,
    ),
    (
        403,
        fault("Your project is denied access to this model by the model access policy."),
        Cause.AUTHENTICATION,
    ),
    (403, fault("The request was blocked."), Cause.AUTHENTICATION),
    # a request that is wrong
    (
        400,
        fault(
            "Invalid prompt: messages must alternate between user and assistant.", "invalid_prompt"
        ),
        Cause.BAD_REQUEST,
    ),
    (400, fault("Invalid prompt: content must be a string.", "invalid_prompt"), Cause.BAD_REQUEST),
    (400, fault("The input violates the token policy: content is too long."), Cause.BAD_REQUEST),
    (400, fault("Model names are case sensitive; the request names none."), Cause.BAD_REQUEST),
    (400, fault("The content field contains prohibited characters."), Cause.BAD_REQUEST),
    (400, fault("The contents are not filtered"), Cause.BAD_REQUEST),
    (400, fault("Invalid value for 'safety_settings[0].category'."), Cause.BAD_REQUEST),
    (400, fault("The image url is unsafe: only https is allowed."), Cause.BAD_REQUEST),
    (400, fault("模型名称大小写敏感，请检查输入"), Cause.BAD_REQUEST),
    (400, fault("Bedrock guardrail request failed"), Cause.BAD_REQUEST),
    # a server that is down
    (500, fault("Bedrock guardrail failed: no route to host"), Cause.SERVER_ERROR),
    (500, fault("The content moderation service is unavailable."), Cause.SERVER_ERROR),
    (500, fault("The server had an error while processing your request."), Cause.SERVER_ERROR),
    (503, fault("Content blocked"), Cause.SERVER_ERROR),
    (200, {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, Cause.RATE_LIMIT),
    (200, {"base_resp": {"status_code": 1008, "status_msg": "no balance"}}, Cause.QUOTA),
]


# Written by us, in words of our own, to see that the rule is no list of known messages.
BLOCKED: dict[int, tuple[str, ...]] = {
    400: (
        "Your message could not be processed because it breaches our content standards.",
        "We can't help with this request: it may involve harmful activities.",
        "The image you uploaded was rejected by our moderation system.",
        "Request terminated by safety classifier; prompt contains disallowed content.",
        "Our automated safety checks flagged this conversation.",
        "Input rejected: violates usage guidelines (self-harm).",
        "Failed content moderation: sexual content found in the prompt.",
        "The provided image contains explicit material and cannot be processed.",
        "This topic is off limits: the question relates to terrorism.",
        "The request did not pass the safety review.",
        "Sorry, your query violates our community guidelines.",
        "Guardrail 'pii-and-harm' blocked the completion.",
        "The completion was censored by policy: hate.",
        "Message flagged: harassment (score 0.97)",
        "Unable to generate a response, since the picture appears to show violence.",
        "The prompt triggered the jailbreak detector.",
        "Your input contains risky information, please rephrase.",
        "Blocked by content moderation policy: the query promotes illegal acts.",
        "Text generation failed due to sensitive topic.",
        "This prompt is not allowed under the acceptable use policy.",
        "Model declined: prohibited use policy violation in your prompt",
        "Completion removed. It violates our safety guidelines.",
        "AI content detection: input includes unsafe content",
        "检测到您的输入含有不当内容，无法继续对话",
        "抱歉，该图片涉嫌违规，无法识别",
        "提问内容存在风险，请更换提问方式",
        "文本触发敏感词拦截",
        "输出被安全策略拦截",
        "请求内容违反相关法律法规",
        "プロンプトが安全性フィルターによりブロックされました",
        "入力がコンテンツポリシーに違反しています。",
        "요청한 내용이 안전 정책을 위반합니다.",
        "프롬프트에 유해한 내용이 있습니다",
        "El mensaje fue bloqueado por el filtro de seguridad.",
        "La imagen contiene contenido violento.",
        "Contenu jugé dangereux, réponse bloquée.",
        "Ihre Anfrage wurde vom Inhaltsfilter blockiert.",
        "Das Bild verst\u00f6\u00dft gegen unsere Inhaltsrichtlinien.",
        "La solicitud contiene contenido que infringe nuestras pol\u00edticas de seguridad.",
        "The content you provided may violate laws and regulations",
        "A mensagem viola a política de conteúdo.",
        "Сообщение заблокировано фильтром безопасности",
        "Il contenuto richiesto viola la politica di utilizzo.",
        "Your submission has been flagged as potentially dangerous.",
        "Rejected: prompt scored 0.92 for violence, which is over the allowed level.",
        "I'm unable to answer that. The content policy forbids it.",
        "Safety: BLOCK_MEDIUM_AND_ABOVE matched for HARM_CATEGORY_DANGEROUS_CONTENT in prompt",
        "Your prompt was deemed inappropriate by our filters.",
        "The assistant response tripped the output guardrail.",
        "Request blocked: policy category 'Weapons' in user message",
        "This query has been identified as a potential jailbreak attempt.",
        "Image moderation failed: nudity detected",
        "Cannot fulfil this request as it violates OpenAI usage policies.",
        "Due to our safety policy we cannot complete this prompt.",
        "User input was filtered by the content filter (severity: high).",
        "The message includes content prohibited by our guidelines.",
        "Potentially unsafe prompt, generation cancelled",
        "The picture cannot be analysed because it contains graphic violence.",
        "Your request has been denied since it asks for illegal activity.",
        "Risk control: input text hits the forbidden word list",
        "An unsafe response was generated and has been suppressed.",
        "NSFW content detected in image.",
        "[security] harmful prompt intercepted",
        "抱歉，我无法回答这个问题，内容敏感",
        "输入文本未通过审核",
        "prompt 命中违禁词",
        "有害なコンテンツが検出されました",
        "Le message contient du contenu offensant.",
        "Der Inhalt ist unangemessen.",
        "We stopped generating because the reply may break our safety rules.",
        "This picture was refused by the image safety filter.",
        "The submitted text is considered abusive by our classifier.",
        "Answer suppressed (reason: hate speech).",
        "Query not permitted: involves drugs",
        "Possible prompt injection found in user message; request blocked",
        "Output moderation rejected the completion",
        "The request touches on dangerous topics and was declined.",
        "Hate and fairness filter triggered by the prompt at severity 4.",
        "Our safeguards prevented this response.",
        "The photo seems to contain a minor in a sexual context; analysis refused.",
        "生成的回复包含敏感内容，已终止",
        "问题涉及违禁内容",
        "您的输入触发了内容安全机制",
        "La respuesta fue bloqueada por contenido peligroso.",
        "コンテンツポリシー違反のため、画像を処理できません",
        "이미지에 선정적인 내용이 감지되었습니다",
        "O prompt contém conteúdo ofensivo",
        "Содержимое запроса нарушает правила использования",
    ),
    403: (
        "Generation stopped: the model output was found to be unsafe.",
        "Responsible AI filter triggered on input; response suppressed.",
        "Llama Guard judged the prompt unsafe (S9).",
        "您上传的图像包含色情信息",
        "Content moderation: blocked (sexual/minors)",
        "Prompt blocked by Model Armor: dangerous content",
        "Moderation: your text was classified as self-harm",
        "Policy check failed for prompt: extremism",
        "Content category S10 (hate) disallowed by deployment guardrails.",
    ),
    422: (
        "Prompt refused: category 'weapons' detected with high confidence.",
        "input_flagged: hate/threatening",
        "Input validation error: prompt violates content rules [weapons]",
    ),
    451: (
        "The answer has been withheld because it is considered harmful.",
        "Unavailable: this content is restricted for safety reasons",
        "Prompt withheld from model for safety.",
    ),
    500: (
        "text contains sensitive words, please modify (20013)",
        "request rejected by content safety (code 7003)",
        "内容安全检测不通过",
        "Output is blocked by sensitive content detection.",
        "图片包含敏感人物",
        "your input contains sensitive information (2038)",
    ),
}
REFUSED: dict[int, tuple[str, ...]] = {
    400: (
        "Guardrail cannot be applied to empty messages",
        "Content filter cannot be disabled for this request",
        "Modified content filtering is not allowed for this request",
        "guardrailIdentifier fails to satisfy constraint: content policy",
        "max_tokens exceeds the thinking budget of the content policy",
        "1 validation error: 'msg': 'Field required', 'input': {'messages': [{'role': 'system', "
        "'content': 'You are a shop assistant. Content that promotes violence is prohibited.'}]}",
        "The spending cap set for this key has been reached; request blocked.",
        "Rejected: request body violates the maximum size policy.",
        "Your request violates the concurrency policy: 5 at once are allowed.",
        "image is not in a permitted format",
        "Input contains invalid unicode characters",
        "Prompt is required",
        "messages: text content blocks must be non-empty",
        "'temperature' is restricted to values between 0 and 1",
        "Response format is not allowed for this model",
        "This endpoint violates the data residency policy for prompts.",
        "The output token limit would be exceeded: request rejected.",
        "Your prepaid credits are exhausted. Requests will be rejected.",
        "The tool call violates the tool policy.",
        "Could not download image: host blocked the request.",
        "Image dimensions exceed what is allowed.",
        "Streaming is prohibited by the caching policy for this request.",
        "Duplicate message ids detected in the request.",
        "Unknown field 'safety' detected in request.",
        "The prompt template is missing",
        "Query violates row-level security policy.",
        "Text file attachments are disallowed by workspace policy.",
        "Request contains an unsafe integer.",
        "Bad request: content includes duplicate keys",
        "请求频率违反使用策略，请稍后再试",
        "输入长度不合规，超过限制",
        "图片格式不合规",
        "支出が予算を超えたためリクエストはブロックされました",
        "La solicitud supera el límite de gasto.",
        "Запрос отклонён: превышен лимит.",
        "Filter expression contains an illegal token near 'content'.",
        "Message role 'developer' is not allowed.",
        "image_url detail 'ultra' is not allowed",
        "The request was rejected because the deployment is being updated.",
        "content: Input should be a valid string",
        "The prompt cache policy rejected this request.",
        "Too many images in the message: at most 5 are allowed.",
        "The response_format policy does not permit streaming with text output.",
        "Prompt contains 200000 tokens, the maximum is 128000.",
        "Rejected by load shedding policy.",
        "The file contains a virus and was rejected.",
        "Your request violates the queue policy.",
        "Detected an unfinished tool call in messages.",
        "输入参数不合规范",
        "organization 'acme' exceeded its budget policy",
        "Requests must comply with the model access policy of your project.",
        "Message content exceeds the length policy",
        "The data policy of your workspace forbids sending images to this provider.",
        "Assistant message must not be empty; content is refused",
        "model output schema violated",
        "Unsupported image type in prompt",
        "The batch was rejected: 3 requests are duplicates.",
        "Function names may not contain spaces",
        "reasoning content is not allowed in assistant messages",
        "预算策略限制：请求被拒绝",
        "Das Bild ist zu groß.",
    ),
    403: (
        "This user has been blocked for repeated violations of our content policy.",
        "API usage disabled: your prompts violated our acceptable use policy",
        "Because of repeated requests that violated our usage policies, you can no longer use it.",
        "You have been restricted from this service for submitting harmful content.",
        "User is blocked for sending prohibited content",
        "Your request was blocked by our abuse prevention system.",
        "Request denied by policy: the policy prohibits this model",
        "Request was denied by resource policy: it violates the policy",
        "Your organization has been disabled for violating our usage policies.",
        "Access denied: your subscription does not include this model.",
        "Blocked by administrator: monthly budget used up.",
        "This key violates the rotation policy and was blocked.",
        "Requests from your country are prohibited by export policy.",
        "IP 1.2.3.4 is blocked due to abuse.",
        "Model access policy violated: gpt-x is not permitted for this project.",
        "Permission denied on resource project x (content may be restricted)",
        "Request blocked by Cloudflare: error 1020.",
        "The service is closed to users in your territory for legal reasons.",
        "Usage of this deployment is denied by an Azure Policy assignment.",
        "Fair usage policy: your plan allows 100 messages a day.",
        "User account is banned because of policy violations.",
        "Account under review for suspicious activity; requests are rejected.",
        "Terms of service not accepted for this model; the request was denied.",
        "Request has been denied by IAM policy.",
        "Private model: your request was rejected.",
        "Zero data retention is required by your policy; this request is not allowed.",
        "Your network administrator has blocked this content category: AI tools.",
        "您的地区不支持访问该内容",
        "账号存在违规行为，已限制使用",
        "当前IP存在风险，已被屏蔽",
        "귀하의 계정이 정책 위반으로 차단되었습니다.",
        "Su cuenta fue suspendida por contenido inapropiado.",
        "Votre compte est bloqué.",
        "Zugriff aus Ihrer Region ist aus Sicherheitsgründen gesperrt.",
        "Your organization's policy blocks this content type.",
        "Denied: key scope does not include chat.completions.",
        "Blocked: outstanding invoice.",
        "This preview is restricted to trusted testers.",
        "Your IP has been flagged for abuse.",
        "Request denied: age verification of your account is outstanding.",
        "Project policy prohibits the use of preview models.",
        "Customer data policy violated: request logging must be on.",
        "The use of this model violates the licence.",
        "Export control: content served to your country is restricted.",
        "Signature in the request is invalid or was tampered with.",
        "Tenant blocked by risk control, contact sales.",
        "安全认证失败，请检查请求",
        "余额风险提示：请求被拒绝",
        "You violated the spending policy set by your finance team.",
        "This API key is blocked.",
        "Your workspace is frozen.",
        "Fair use: you have sent many messages today.",
        "Provider returned 403: country not allowed",
        "Untrusted network: request refused by policy",
        "Account closed at your request.",
        "blocked by CrowdSec",
        "Sorry, you have been blocked",
        "Quota policy: request denied",
        "Gated model: accept the use policy on the hub before you send requests.",
        "Student plans are restricted to 3 conversations.",
        "您所在的国家不在服务范围，请求被拒绝",
        "La clave API ha sido bloqueada.",
    ),
    500: (
        "Failed to run content moderation on the prompt.",
        "Unable to perform content moderation for this request",
        "Content moderation is unavailable for this request",
        "content safety service returned an error while checking the prompt: cannot connect",
        "content safety inspection failed for the input",
        "Moderation API returned 500, the prompt could not be checked",
        "Safety service returned an internal error for this request.",
        "moderation check timed out while processing the prompt",
        "Unexpected error in content filter module",
        "Failed to load the safety checker model.",
        "Content store is unavailable.",
        "guardrails backend crashed during the request",
        "An exception occurred in the safety module.",
    ),
}


@pytest.mark.parametrize(("status", "body"), BLOCKS)
def test_a_filters_decision_is_a_block_whoever_words_it(status: int, body: Body) -> None:
    assert status != 200 or error_in(body)
    assert read_error(status, body, "").block


@pytest.mark.parametrize(("status", "body", "cause"), ERRORS)
def test_what_only_sounds_like_a_block_is_an_error_with_its_cause(
    status: int, body: Body, cause: Cause
) -> None:
    error = read_error(status, body, "")
    assert error.block is None
    assert error.cause is cause


@pytest.mark.parametrize("status", BLOCKED)
def test_a_filter_is_known_by_what_it_says_not_by_a_list_of_messages(status: int) -> None:
    missed = [each for each in BLOCKED[status] if not read_error(status, fault(each), "").block]
    assert missed == []


@pytest.mark.parametrize("status", REFUSED)
def test_no_other_refusal_is_taken_for_a_filters(status: int) -> None:
    taken = [each for each in REFUSED[status] if read_error(status, fault(each), "").block]
    assert taken == []


def test_a_page_is_no_block_whatever_its_words() -> None:
    page = "<h1>Your prompt was blocked by our content filter</h1>"
    assert read_error(403, None, page).block is None


@pytest.mark.parametrize("status", [400, 401, 429, 503])
def test_a_projects_own_words_make_a_block_of_any_error(status: int) -> None:
    body = fault("House rule 7: ask someone else.", "HR7")
    for words in (["HOUSE RULE"], ["nothing", "hr7"]):
        assert read_error(status, body, "", words).block
    assert read_error(status, None, "<p>House rule 7</p>", ["house rule"]).block
    assert read_error(status, body, "", ["other"]).block is None
