"""Writes docs/reference/limits.md: every bound, with its value read from the code.

python tools/generate_limits_reference.py          write it
python tools/generate_limits_reference.py --check  say whether it is up to date
"""

import ast
import importlib
from dataclasses import fields
from pathlib import Path

from limits_of_architecture import ARCHITECTURE
from limits_of_entrance import ENTRANCE
from limits_of_evidence import EVIDENCE
from limits_of_history import HISTORY
from limits_of_identity import IDENTITY
from limits_of_now import NOW
from limits_of_principals import PRINCIPALS
from limits_of_terminal import TERMINAL
from reference_pages import REFERENCE, ROOT, note, settle, table

from holdfast.blueprint import Limits, Timeouts
from holdfast.wire import WireLimits

INTRODUCTION = """\
# Limits

{note}

Every queue, wait, size and count has a bound. What a blueprint sets comes first; the rest is fixed,
and changing it is a change of code. A bound that is reached refuses; nothing is cut short in silence.

## Set in the blueprint

On a node or a relationship, under `controls.timeouts` and `controls.limits`; the relationship's over
the callee's over the default, field by field.

"""

SETTINGS = {
    "connect_s": "Until the connection to the upstream stands. Only on a node: all who call it share its connections.",
    "first_byte_s": "From sending the request to the head of the answer, connecting included.",
    "idle_s": "Between two pieces of the answer.",
    "total_s": "For the whole answer.",
    "request_bytes": "The largest request body.",
    "answer_bytes": "The largest answer, streams included.",
    "max_tokens": "The most output tokens a request may ask for; written into a request that names none.",
    "connections": "The most connections to the upstream, per worker. Only on a node.",
}

WIRE = {
    "head_bytes": "The largest request line and header fields together.",
    "headers": "The most header fields.",
    "body_bytes": "The largest body; a blueprint's most generous `request_bytes` takes its place.",
    "connections": "The most client connections, per worker.",
    "pipelined_bytes": "What a client may send ahead of its answer; then reading stops.",
    "head_s": "From a request's first byte to the end of its head.",
    "body_idle_s": "Between two pieces of a request's body.",
    "body_total_s": "For a whole request body.",
    "idle_s": "Between two requests on one connection.",
    "stalled_write_s": "How long a client may refuse to read its answer.",
}

FIXED = {
    **ARCHITECTURE,
    **ENTRANCE,
    **EVIDENCE,
    **HISTORY,
    **NOW,
    **PRINCIPALS,
    **IDENTITY,
    **TERMINAL,
    "world.real.postgres:CONNECT_TIMEOUT_S": "What connecting to PostgreSQL may take.",
    "world.real.postgres:SETTLE_TRIES_MAX": "How often PostgreSQL is asked whether a transaction took effect whose answer was lost.",
    "gateway.approving:APPROVAL_S_MAX": "How long a call waits for a person; less where its caller says so.",
    "gateway.approving:HELD_MAX": "Calls that wait for a person, per worker; a further one is refused.",
    "gateway.approving:TELL_S": "How often a client that takes notifications hears that its call waits.",
    "gateway.mcp.templates:TEMPLATES_MAX": "Resource templates compiled and kept; the least used goes first.",
    "gateway.mcp.watching:RETRY_S": "Until a server is looked at again that could not be; doubled each time.",
    "gateway.mcp.watching:SETTLE_S": "Between a server's word that a list changed and the look at it.",
    "guards.egress:EGRESS_DEPTH_MAX": "How deep what is sent to a tool may be nested, to be searched for addresses.",
    "guards.redaction:REDACTED_DEPTH_MAX": "How deep a value may be nested whose texts are looked through.",
    "gateway.duties:REDACTED_DEPTH_MAX": "How deep a request may be nested whose texts must be taken out.",
    "gateway.showing:SHOWN_BYTES_MAX": "Of what would be sent, shown to whoever decides.",
    "app.approvals:APPROVALS_MAX": "Calls that wait for a person, of all workers together.",
    "app.control:REPLY_BYTES_MAX": "The longest answer on the control socket.",
    "audit.intents:INTENT_GRACE_S": "How long a call may lack its outcome before that is an alarm.",
    "audit.intents:INTENTS_SHOWN_MAX": "Alarms told at once.",
    "faces.api.documents:FRESH_S": "How long others may keep the issuer's documents.",
    "world.real.network:HANDSHAKE_S": "What a TLS handshake may take.",
    "wire.server:LINGER_S": "How long the rest of a refused body is read and dropped.",
    "wire.server:CLOSED_S": "How long connections that were cut may take to tell their handlers.",
    "wire.server:SWEEP_S": "How often connections' deadlines are looked at: their precision.",
    "wire.client:IDLE_CONNECTIONS_MAX": "Connections kept open per upstream and worker.",
    "wire.client:HEADERS_MAX": "Header fields of an upstream's answer.",
    "wire.repeats:HEAD_BYTES_MAX": "The largest head that is kept to know the next one by.",
    "wire.repeats:LENGTH_DIGITS_MAX": "Digits of a `Content-Length`.",
    "wire.sse:EVENT_BYTES_MAX": "The largest single event of a stream.",
    "gateway.service:SWEEP_S": "How often calls' deadlines are looked at: their precision.",
    "gateway.retrying:WAITED_S_MAX": "The longest Retry-After that a call waits for.",
    "gateway.standing:STANDINGS_MAX": "Permissions that a path remembers.",
    "gateway.places:BACK_SOON_S": "When every upstream is out: how soon one must be back, and how long its first probe may be silent, for a call to wait.",
    "gateway.groups:PROBE_SHARE": "Of the calls that others can take: the share that may try an upstream that is out.",
    "resilience.breaker:PASSED_BY_MIN": "Calls that an open breaker turns away before the next is a probe though the last one hangs.",
    "resilience.breaker:PROBES_ANSWERING_MAX": "Probes of an open breaker whose answers have begun and have yet to end.",
    "gateway.stages.accept:PATIENCE_MS_MAX": "The longest time limit that a caller may set.",
    "resilience.allotments:ALLOTMENTS_MAX": "Accounts of mandates that limit amounts, at once.",
    "resilience.allotments:ALLOTMENTS_PER_ROOT_MAX": "Of these, below one root.",
    "resilience.backoff:DOUBLINGS_MAX": "Doublings of the wait between two tries.",
    "resilience.backoff:RETRY_AFTER_BYTES_MAX": "The longest Retry-After that is read.",
    "resilience.backoff:RETRY_AFTER_S_MAX": "The longest wait that an upstream may ask for.",
    "resilience.choosing:PLANS_MAX": "Sets of upstreams that are up for which tiers are kept.",
    "resilience.ejection:EJECTED_S_MAX": "The longest an outlier is left out.",
    "resilience.ejection:WINDOW_S": "How long calls are counted before outliers are judged.",
    "resilience.leases:LEASE_WAIT_S": "How long a call waits for the keeper's word on its budget.",
    "resilience.load:DECAY_S": "How fast a slow first token is forgotten.",
    "resilience.load:UNKNOWN_S": "The first-token time of an upstream that nobody has asked yet.",
    "resilience.quantile:REUSED_S": "How long a percentile once worked out is used again.",
    "resilience.quantile:SLICE_S": "The step in which a percentile's window moves.",
    "resilience.retry_budget:WINDOW_S": "How long unused retries beyond the burst are kept.",
    "resilience.spending:LOOK_S": "How often leases are looked through: idle ones go back.",
    "resilience.spending:WAITERS_MAX": "Calls of one worker that may wait for leases at once.",
    "resilience.throttle:BUCKET_S": "The step in which the throttle's window moves.",
    "resilience.throttle:SHED_MAX": "The largest share of calls that the throttle sheds.",
    "resilience.treasury:AHEAD_MAX": "Leases granted ahead of need, at most so many calls' worth.",
    "gateway.lines.line:GREETING_S": "What an MCP server may take to say which revision it speaks.",
    "gateway.lines.line:SESSIONS_MAX": "Sessions kept at one MCP server of 2025-11-25, per worker.",
    "gateway.lines.hearing:WHOLE_BYTES_MAX": "A greeting's answer, or one page of an MCP server's list.",
    "gateway.lines.talking:LINGER_S": "What an MCP server may take to end its stream after its answer.",
    "gateway.lines.programs:PENDING_BYTES_MAX": "Written to a program that does not read.",
    "gateway.lines.programs:RESTART_S": "Between two starts of one program.",
    "gateway.lines.programs:STOP_S": "What a program may take to end.",
    "gateway.mcp.catalogue:WAITING_MAX": "Calls that wait for the first look at one MCP server.",
    "gateway.mcp.watching:LOOK_S": "For all lists of one MCP server together.",
    "gateway.mcp.watching:REFRESH_S": "How often an MCP server that says nothing is looked at.",
    "gateway.mcp.watching:PAGES_MAX": "Pages of one list of an MCP server.",
    "gateway.mcp.vetting:COMPILED_MAX": "Tools' schemas kept ready, per worker.",
    "gateway.mcp.delivering:HELD_BYTES_MAX": "Notifications held while a record becomes durable.",
    "gateway.mcp.listening:LISTENERS_MAX": "Clients that listen for changes, per worker.",
    "gateway.mcp.listening:BEAT_S": "How often a silent stream of theirs shows that it lives.",
    "gateway.mcp.sealing:STATE_S_MAX": "How long a server's state may be out with a client.",
    "telemetry.otlp.feed:WAITING_MAX": "Spans, and log records, that wait for a collector; newer ones are dropped, and counted.",
    "telemetry.otlp.feed:WAITING_BYTES_MAX": "Their bytes, each.",
    "telemetry.otlp.metrics:SERIES_MAX": "Series of one metric for a collector; what goes beyond is one more.",
    "telemetry.otlp.sampling:PAIRS_MAX": "Relationships whose slow calls are told apart.",
    "telemetry.otlp.sampling:SLOW_AFTER": "Calls of a relationship until it is known which are slow.",
    "telemetry.otlp.sampling:REMEMBERED": "Calls after which older ones count half in that.",
    "telemetry.otlp.exporting:BATCH_ITEMS_MAX": "Spans or log records of one request to a collector.",
    "telemetry.otlp.exporting:BATCH_BYTES_MAX": "Its bytes, before compression.",
    "telemetry.otlp.exporting:EVERY_S": "How long spans and log records wait for company.",
    "telemetry.otlp.exporting:METRICS_EVERY_S": "Between two reports of metrics to a collector.",
    "telemetry.otlp.exporting:REQUEST_S": "For one request to a collector.",
    "telemetry.otlp.exporting:BACKOFF_MIN_S": "Before the first of further tries of a batch.",
    "telemetry.otlp.exporting:TOLD_EVERY_S": "Between two lines about what was dropped or refused.",
    "telemetry.otlp.exporting:BACKOFF_MAX_S": "Between two tries of one batch, where a collector does not say.",
    "telemetry.otlp.exporting:GIVE_UP_S": "How long one batch is tried.",
    "telemetry.otlp.exporting:CLOSE_S": "For what is left when the instance stops.",
    "telemetry.otlp.answers:RETRY_AFTER_MAX_S": "The longest wait that a collector's `Retry-After` is believed.",
    "app.otlp:CONNECTIONS_MAX": "Connections to a collector.",
    "app.otlp:ANSWER_BYTES_MAX": "A collector's answer.",
    "app.otlp_plan:HEADERS_MAX": "Header fields for a collector.",
    "app.otlp_plan:HEADER_BYTES_MAX": "The value of one.",
    "app.otlp_plan:RESOURCE_ATTRIBUTES_MAX": "Attributes in `OTEL_RESOURCE_ATTRIBUTES`.",
    "gateway.context:SESSION_CHARACTERS_MAX": "The name of a conversation (`x-session-id`), in a record; a longer one is not recorded.",
    "core.traces:TRACESTATE_CHARACTERS_MAX": "A `tracestate` that goes on; a longer one ends at the gateway.",
    "gateway.mcp.recording:TOOL_CHARACTERS_MAX": "The name of what was called, in a record.",
    "gateway.streaming:HELD_BYTES_MAX": "Events held while the opening record becomes durable.",
    "gateway.journeys:RECENT_MAX": "Ended calls a worker keeps for the console.",
    "audit.recorder:ENTRY_BYTES_MAX": "The largest record.",
    "audit.recorder:PENDING_BYTES_MAX": "Records waiting for the disk, per worker.",
    "audit.recorder:JOURNAL_BYTES_MAX": "A journal this large is sealed and a new one begun.",
    "audit.recorder:APPEND_S_MAX": "A disk that takes longer to sync counts as failed.",
    "audit.recorder:GATHER_S": "How long a batch of records gathers before it goes to the disk.",
    "audit.recorder:RETRY_AFTER_S": "After a failure, until the disk is tried again.",
    "audit.intake:CHUNK_BYTES": "Read from one journal in one round.",
    "audit.intake:NOTES_MAX": "Torn journal ends that are told.",
    "audit.frames:WORKER_MAX": "The highest worker number.",
    "audit.reader:RECENT_MAX": "Newest entries that can be asked for at once.",
    "audit.verify:PROBLEMS_MAX": "Problems that a verification tells.",
    "audit.store:ENTRIES_OF_A_CALL_MAX": "Records of one call that the index gives.",
    "audit.log:ROUNDS_MAX": "Rounds over the journals in one integration.",
    "audit.tiles:PROTOCOL_ENTRY_BYTES_MAX": "The largest entry that tlog-tiles can hold.",
    "audit.tiles:LEVELS_MAX": "Levels of tiles.",
    "audit.proof:HASHES_MAX": "Hashes in a proof.",
    "audit.proof:PROOF_BYTES_MAX": "The largest proof that is read.",
    "audit.keys:NAME_BYTES_MAX": "Bytes in the name of a log or cosigner that ML-DSA-44 signs.",
    "audit.heads:SIZE_MAX": "Entries that a checkpoint can speak of.",
    "audit.submission:CONSISTENCY_HASHES_MAX": "Hashes in a consistency proof for a witness.",
    "audit.submission:CORRECTIONS_MAX": "How often a witness may name another size before it is left alone.",
    "audit.witness:LOGS_MAX": "Logs that one witness watches.",
    "audit.cose:RECEIPT_BYTES_MAX": "The largest COSE receipt that is read.",
    "audit.gossip:HEADS_MAX": "Heads that one file of gossip may hold.",
    "audit.note:SIGNATURES_MAX": "Signatures on one checkpoint.",
    "audit.note:NOTE_BYTES_MAX": "The largest checkpoint that is read.",
    "audit.changes:WAITING_MAX": "Changes that wait for the log; then no further one is made.",
    "audit.changes:REASON_LENGTH_MAX": "Characters in the reason of a change.",
    "audit.changes:SUBJECT_LENGTH_MAX": "Characters in what was changed.",
    "audit.changes:BY_LENGTH_MAX": "Characters in who changed it.",
    "client.flows:ANSWER_S": "For an answer to a client that an identity made, where `timeout_s` says nothing.",
    "client.flows:CONNECT_S": "For its connection.",
    "client.identity:DELEGATION_S": "The life of a delegated mandate, where `ttl` says nothing.",
    "client.keyfiles:KEY_FILE_BYTES_MAX": "Read of a key file by the client library.",
    "client.keyfiles:WIT_FILE_BYTES_MAX": "Read of the file of its WIT.",
    "client.renewing:RETRY_S": "After a renewal that brought nothing newer, before the client library tries again.",
    "client.renewing:WAIT_S": "For a renewal by another thread, by those who have nothing good to go on with.",
    "client.sources:COMMAND_S": "For a command that renews an identity.",
    "client.sources:SAID_CHARACTERS_MAX": "Characters of such a command's errors in ours.",
    "client.talking:SESSION_MARGIN_S": "Before its end, when the client library uses a session no more.",
    "client.talking:SESSION_RETRY_S": "After a gateway that opens no session, before it is asked again.",
    "core.strict_json:JSON_DEPTH_MAX": "Levels of nesting in canonical JSON.",
    "providers.mcp.messages:MESSAGE_BYTES_MAX": "The largest MCP message.",
    "providers.mcp.messages:MESSAGE_DEPTH_MAX": "Levels of nesting in it.",
    "providers.mcp.messages:ID_CHARACTERS_MAX": "Characters of a request's id.",
    "providers.mcp.messages:ID_NUMBER_MAX": "The largest id that is a number.",
    "providers.mcp.messages:METHOD_CHARACTERS_MAX": "Characters of a method's name.",
    "providers.mcp.messages:NAME_CHARACTERS_MAX": "Characters of a tool's or prompt's name in a request.",
    "providers.mcp.messages:URI_CHARACTERS_MAX": "Characters of a resource's URI in a request.",
    "providers.mcp.messages:CURSOR_CHARACTERS_MAX": "Characters of a list's cursor.",
    "providers.mcp.meta:VALUE_CHARACTERS_MAX": "Characters of a text in `_meta`.",
    "providers.mcp.meta:INFO_CHARACTERS_MAX": "Characters of a client's name, version or progress token.",
    "providers.mcp.headers:PARAM_HEADERS_MAX": "Arguments of one tool that headers repeat.",
    "providers.mcp.naming:NAME_LENGTH_MAX": "Characters of a tool's name as clients see it.",
    "providers.mcp.paging:PAGE_ITEMS_MAX": "Items on one page of a list.",
    "providers.mcp.listing:LISTED_MAX": "Items of one kind that are read from one MCP server.",
    "providers.mcp.schemas:SCHEMA_BYTES_MAX": "The largest schema of a tool's arguments.",
    "providers.mcp.schemas:PATTERN_BYTES_MAX": "One pattern of such a schema, compiled.",
    "providers.mcp.schemas:FAULTS_MAX": "Faults that one refusal of arguments tells.",
    "providers.mcp.shapes:SUBSCHEMAS_MAX": "Parts of a schema.",
    "providers.mcp.shapes:JUDGEMENTS_MAX": "Judgements that a schema may ask for on any one value.",
    "providers.mcp.shapes:ARGUMENTS_DEPTH_MAX": "Levels of nesting in a tool's arguments.",
    "providers.mcp.results:RESULT_BYTES_MAX": "The largest result of a tool where nothing else is said.",
    "providers.mcp.stdio:LINE_BYTES_MAX": "The longest line that a program may write.",
    "providers.mcp.stdio:IN_FLIGHT_MAX": "Requests to one program under way.",
    "providers.mcp.stdio:NOISE_MAX": "Lines that are no messages before a program is given up.",
    "app.models:MODEL_FILES_MAX": "Files of one model.",
    "app.models:MODEL_DEPTH_MAX": "Levels of folders in a model's folder.",
    "app.models:TOLD_MAX": "Refused files of a model that an error names.",
    "app.models:READ_BYTES": "Of a model's file, read at once.",
    "registry.models.reading:WINDOW_BYTES": "Of a model's file, held at once while its header is walked.",
    "registry.models.safetensors:SAFETENSORS_HEADER_BYTES_MAX": "The largest safetensors header; the format's own bound.",
    "registry.models.safetensors:SAFETENSORS_DIMENSIONS_MAX": "Dimensions of a tensor in it.",
    "registry.models.gguf:GGUF_ENTRIES_MAX": "Metadata entries of a GGUF file, and its tensors.",
    "registry.models.gguf:GGUF_STRINGS_MAX": "Strings in its arrays, all together.",
    "registry.models.gguf:GGUF_STRING_BYTES_MAX": "The longest of its strings.",
    "registry.models.gguf:GGUF_KEY_BYTES_MAX": "The longest of its keys.",
    "registry.models.gguf:GGUF_NAME_BYTES_MAX": "The longest name of a tensor in it.",
    "registry.models.gguf:GGUF_DIMENSIONS_MAX": "Dimensions of a tensor in it.",
    "registry.models.pickles:PICKLE_BYTES_MAX": "The largest pickle that is followed.",
    "registry.models.pickles:PICKLE_OPCODES_MAX": "Opcodes of a pickle.",
    "registry.models.pickles:PICKLE_LINE_BYTES_MAX": "The longest line in it.",
    "registry.models.pickles:PICKLE_INT_BYTES_MAX": "The longest number in it.",
    "registry.models.pickles:PICKLE_TEXT_BYTES_MAX": "The longest text in it.",
    "registry.models.pickles:PICKLE_ENTRIES_MAX": "Keys of one mapping in it.",
    "registry.models.archives:ARCHIVE_ENTRIES_MAX": "Entries of a PyTorch archive.",
    "registry.models.archives:ARCHIVE_DIRECTORY_BYTES_MAX": "Its directory.",
    "registry.models.companions:COMPANION_BYTES_MAX": "The largest file beside a model's weights.",
    "registry.models.companions:JSON_NESTING_MAX": "Levels of nesting in one that is JSON.",
    "registry.descriptors:DESCRIPTOR_BYTES_MAX": "The largest description of a tool.",
    "registry.descriptors:DESCRIPTOR_DEPTH_MAX": "Levels of nesting in it.",
    "registry.descriptors:NAME_CHARACTERS_MAX": "Characters of a tool's name or a resource's URI.",
    "registry.comparing:DIFFERENCES_MAX": "Differences of two descriptions that are told.",
    "registry.comparing:SHOWN_CHARACTERS_MAX": "Characters of one side of a difference.",
    "registry.suspicions:SUSPICIONS_MAX": "Suspicious places that are told of one description.",
    "registry.suspicions:EXCERPT_CHARACTERS_MAX": "Characters that are shown around one.",
    "registry.store:PINS_MAX": "Descriptions kept in one database.",
    "registry.store:VERSIONS_MAX": "Descriptions kept of one thing.",
    "registry.store:REASON_CHARACTERS_MAX": "Characters of the reason for a decision.",
    "registry.store:SUBJECT_CHARACTERS_MAX": "Characters of a thing's name in the log.",
    "app.curator:WAITING_MAX": "Reports of what servers show that wait to be noted.",
    "app.signing:SIGNATURE_BYTES_MAX": "The largest file with a blueprint's signature.",
    "app.signing:KEY_FILE_BYTES_MAX": "The largest file with a key.",
    "app.signing:TRUSTED_KEYS_MAX": "Trusted keys in the data directory.",
    "blueprint.tool_forms:TOOL_NAME_MAX": "Characters of a tool's name or pattern.",
    "world.real.programs:KILLED_S": "How long a killed program may take to be gone.",
    "app.chronicle:BATCH_MAX": "Changes brought into a journal in one round.",
    "app.herald:BEAT_S": "How often workers are told that nothing was revoked.",
    "app.workers:REVOKED_S": "How long a worker may take to know a revocation; then it is ended.",
    "app.registers:STATUS_TTL_S": "How long outsiders may go by one status list.",
    "app.registers:STATUS_LIVES_S": "When a status list expires.",
    "blueprint.source:BYTES_MAX": "The largest blueprint file.",
    "blueprint.source:DEPTH_MAX": "Levels of nesting in it.",
    "blueprint.source:VALUES_MAX": "Values in it, after aliases are expanded.",
    "blueprint.fields:NAME_MAX": "Characters in a name.",
    "blueprint.fields:TEXT_MAX": "Characters in a description.",
    "blueprint.fields:LIST_MAX": "Items in a list.",
    "blueprint.controls:TIMEOUT_S_MAX": "The longest wait a blueprint may set.",
    "blueprint.controls:BYTES_MAX": "The largest size a blueprint may set.",
    "blueprint.controls:CONNECTIONS_MAX": "The most connections a blueprint may set.",
    "blueprint.controls:MAX_TOKENS_MAX": "The most tokens a blueprint may set.",
    "blueprint.amounts:COUNT_MAX": "The most calls or tokens a blueprint may set.",
    "blueprint.amounts:MONEY_MAX": "The largest budget of money, in units of the currency.",
    "blueprint.amounts:PRICE_MAX": "The highest price of a million tokens.",
    "blueprint.resilience_forms:ATTEMPTS_MAX": "The most attempts of one call a blueprint may set.",
    "blueprint.resilience_forms:RETRIES_PER_S_MAX": "The most retries a second whatever their share.",
    "blueprint.resilience_forms:BACKOFF_S_MAX": "The longest wait between two attempts.",
    "blueprint.resilience_forms:BREAKER_CALLS_MAX": "The most calls that a circuit breaker may count to.",
    "blueprint.resilience_forms:WINDOW_S_MAX": "The longest window, time out and time between health checks.",
    "blueprint.resilience_forms:QUEUE_MAX": "The longest queue a blueprint may set.",
    "blueprint.resilience_forms:FALLBACKS_MAX": "The most nodes that one may fall back to.",
    "blueprint.resilience_forms:BULKHEAD_CALLS_MAX": "The largest bulkhead.",
    "blueprint.resilience_forms:WEIGHT_MAX": "The largest weight of an upstream.",
    "blueprint.resilience_forms:PRIORITY_MAX": "The highest number of a priority.",
    "blueprint.objective_forms:OBJECTIVE_DAYS_MAX": "The longest window of an objective, in days.",
    "blueprint.objective_forms:OBJECTIVE_MS_MAX": "The longest time an objective may allow, in milliseconds.",
    "blueprint.objective_forms:OBJECTIVE_SPEED_MAX": "The most tokens a second an objective may ask for.",
    "blueprint.errors:PROBLEMS_SHOWN_MAX": "Problems told about one file.",
    "policy.statements:POLICIES_MAX": "Policies in one blueprint.",
    "policy.statements:NESTING_MAX": "Nested brackets in a policy.",
    "policy.statements:OPERATORS_MAX": "Operators in a policy.",
    "policy.deciding:CACHE_MAX": "Decisions remembered, per worker.",
    "policy.slicing:SLICED_POLICIES_MAX": "Policies over all slices; beyond it every call sees all.",
    "policy.slicing:FOLDS_MAX": "Conditions folded at load; policies beyond stay in the slices they fit.",
    "policy.slicing:BLOCKS_APART_MAX": "Blocks of policies asked one by one; where more are needed, all at once.",
    "policy.obligations:CAP_TOKENS_MAX": "The highest cap that `@cap_tokens` may set.",
    "policy.bundles:FILES_MAX": "Files in a bundle.",
    "policy.bundles:SIGNATURES_MAX": "Signatures on a bundle.",
    "policy.bundles:NAME_MAX": "Characters of a bundle's name.",
    "policy.cases:CASES_MAX": "Tests in one tests file.",
    "policy.explaining:NEAR_MISSES_MAX": "Near misses that an explanation tells.",
    "policy.solving:SOLVER_TIMEOUT_S": "How long z3 may think about one question; then it counts as not answered.",
    "policy.differing:FINDINGS_MAX": "Differences that a comparison keeps.",
    "policy.differing:ENUMERATED_MAX": "Combinations of facts that one call is tried with where nothing can be proven.",
    "policy.universe:VALUES_MAX": "Values of one fact among them.",
    "policy.rego:REGO_TIMEOUT_S": "How long all the Rego may take over one call; then the call is refused.",
    "policy.rego:MESSAGES_MAX": "Messages of a Rego rule that a refusal repeats.",
    "policy.rego:MESSAGE_LENGTH_MAX": "Characters of each.",
    "app.rego:START_TIMEOUT_S": "How long the Rego engine may take to start and read its policies.",
    "app.rego:ANSWER_BYTES_MAX": "The largest answer of the Rego engine.",
    "app.rego:RESTART_PAUSE_S": "Between two starts of a Rego engine that was ended or fell over.",
    "cli.policy_reports:SHOWN_MAX": "Lines of each kind in a report on policies; `--json` has more.",
    "app.policies:BUNDLE_FILES_MAX": "Files of policies in a folder that is made a bundle.",
    "policy.deciding:REASONS_MAX": "Policies that a refusal names as its reason.",
    "policy.compiling:ID_MAX": "Characters of a policy's `@id`.",
    "faces.streams:STREAMS_MAX": "Watchers of the console's live stream.",
    "faces.streams:LOOK_S": "How often a watcher is told though no call began or ended.",
    "faces.web.shell:SHARED_MAX": "Drawings of pages that are kept, each for all who watch the same.",
    "faces.web.shell:DRAWN_US": "How long one drawing of a page serves all who watch it.",
    "faces.questions:READ_S": "How long the console waits for the log, or the history, to be read.",
    "faces.questions:READS_MAX": "Reads of the log, and of the history, at once.",
    "faces.witness:WAITING_MAX": "Requests to a witness that may wait for its store.",
    "faces.witness:REQUEST_BYTES_MAX": "The largest request to a witness.",
    "faces.web.now.views:ROWS_MAX": "Calls without an outcome on the console's first page.",
    "faces.api.routes:RECENT_MAX": "Calls that one request of the control API may ask for.",
    "faces.api.routes:CALL_ID_LENGTH_MAX": "Characters of a call's id in the control API.",
    "faces.api.routes:INDEX_MAX": "The highest index in the control API.",
    "faces.web.objectives.views:ENDED_SHOWN_MAX": "Anomalies that have ended on a page.",
    "telemetry.objectives.book:OBJECTIVES_MAX": "Objectives of one blueprint that are measured.",
    "telemetry.anomalies.watch:RELATIONSHIPS_MAX": "Relationships watched for anomalies.",
    "telemetry.anomalies.watch:BUCKET_S": "The time that is looked at for anomalies as a whole.",
    "app.objectives:LOOK_S": "How often objectives are judged.",
    "app.objectives:GRACE_S": "How long after their end five minutes are looked at for anomalies.",
    "app.objectives:RECOUNT_S": "How often objectives are counted anew from the history.",
    "app.objectives:PAUSE_S": "Between two days of the history that are read at the start.",
    "app.keeper:INTEGRATE_S": "How often records are brought from the journals into the log.",
    "app.keeper:ALARMS_S": "How often the log is asked for calls without outcome.",
    "app.keeper:ANNOUNCE_S": "How often the console's watchers are told to look for changes.",
    "app.keeper:WATCH_S": "How often the blueprint's files are looked at.",
    "app.keeper:DRAIN_S": "How long calls under way may go on when an instance stops.",
    "app.keeper:FINISH_S": "What a replaced worker may take beyond twice the longest call.",
    "app.starting:ORPHANS_S": "How long a new instance waits for workers that its predecessor left.",
    "app.starting:ORPHANS_POLL_S": "How often it looks whether they have ended.",
    "app.worker:REPORT_S": "How often a worker reports to the keeper.",
    "app.worker:IN_FLIGHT_REPORTED_MAX": "Calls under way that a worker reports.",
    "app.worker:ORPHAN_DRAIN_S": "How long a worker finishes its calls when the keeper is gone.",
    "app.worker:PURSES_S": "How often a worker looks after its leases and who waits for them.",
    "app.treasury:SAVE_S": "How often is saved of budgets what no call waits for.",
    "app.handles:ANSWER_S": "How long a worker may take to build a path or adopt it.",
    "app.workers:EXIT_S": "How long a worker may take to exit beyond the drain; then it is killed.",
    "app.workers:RESPAWN_BACKOFF_S": "Before a dead worker is replaced: the first wait, and the longest.",
    "app.workers:LEAVING_MAX": "Replaced workers that may still finish calls, for each place of one.",
    "app.bulletin:STANDING_MAX": "News of upstreams kept for workers that start later.",
    "app.monitor:RECENT_MAX": "Ended calls that the console keeps.",
    "app.monitor:CHANGE_S": "The shortest time between two looks at a busy system.",
    "app.console:CONNECTIONS_MAX": "Connections to the console's port.",
    "app.console:SHUTDOWN_S": "How long the console's connections may linger at a stop.",
    "app.channel:FRAME_BYTES_MAX": "The largest message between keeper and worker.",
    "app.control:ANSWER_S": "How long a command waits for a running instance.",
    "app.control:RESTART_S": "How long `holdfast restart` waits.",
    "app.control:LINE_BYTES_MAX": "The largest request on the control socket.",
    "app.texts:FILE_BYTES_MAX": "The largest blueprint, policy or secret file that is read.",
    "app.witnesses:OFFER_S": "Between two rounds of asking the witnesses.",
    "app.witnesses:SUBMIT_S": "How long one witness may take over one checkpoint.",
    "app.witnesses:LATE_S": "How long further witnesses are waited for once enough have cosigned.",
    "app.witnesses:REST_S_MAX": "The longest a witness that failed is left alone.",
    "app.witnesses:WITNESSES_MAX": "Witnesses of one log.",
    "app.witnesses:COSIGNATURE_BYTES_MAX": "The largest answer of a witness.",
    "app.witnesses:KEY_FILE_BYTES_MAX": "The largest file of verifier keys.",
    "app.witnessing:DRAIN_S": "How long a witness that stops finishes its answers.",
    "app.asking:CONNECT_S": "How long a connection to a witness may take.",
    "app.asking:CONNECTIONS_MAX": "Connections to one witness.",
    "app.remote:ANSWER_S": "How long one read of a log over HTTP may take.",
    "app.remote:OBJECT_BYTES_MAX": "The largest tile or bundle that is read over HTTP.",
    "app.receipts:RECEIPT_FILE_BYTES_MAX": "The largest receipt, entry or file of gossip.",
    "app.evidence:WAIT_S": "How long `audit prove` waits for a durable record to reach the log.",
}

# Bounds of drawing and of the simulator: nobody meets them at run time.
ELSEWHERE = (
    "testing.",
    "world.sim.",
    "blueprint.drawing.",
)


def constants() -> set[str]:
    """Every public constant in the code whose name says that it is a bound or a time."""
    package = ROOT / "src" / "holdfast"
    found: set[str] = set()
    for path in sorted(package.rglob("*.py")):
        module = ".".join(path.relative_to(package).with_suffix("").parts)
        if not module.startswith(ELSEWHERE):
            found.update(f"{module}:{name}" for name in names(path) if is_bound(name))
    return found


def names(path: Path) -> list[str]:
    """Names assigned at the top of a file."""
    body = ast.parse(path.read_text()).body
    targets = [node.targets[0] for node in body if isinstance(node, ast.Assign)]
    targets += [node.target for node in body if isinstance(node, ast.AnnAssign)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def is_bound(name: str) -> bool:
    """``_MAX`` and ``_S`` are bounds and times; anything private is part of something named."""
    return name.isupper() and not name.startswith("_") and name.endswith(("_MAX", "_S"))


def value_of(key: str) -> str:
    """The constant's value, with its unit."""
    module, _, name = key.partition(":")
    return spelled(name, getattr(importlib.import_module(f"holdfast.{module}"), name))


def spelled(name: str, value: float | tuple[float, ...] | None) -> str:
    """A number with the unit its name ends in."""
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return " to ".join(spelled(name, each) for each in value)
    if "bytes" in name.lower():
        for size, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
            if value >= size and value % size == 0:
                return f"{value // size} {unit}"
        return f"{value:,} bytes"
    words = name.lower().removesuffix("_max").split("_")
    return f"{value:g} s" if words[-1] == "s" else f"{value:,}"


def settings(kind: type[Timeouts | Limits | WireLimits], about: dict[str, str]) -> str:
    """The fields of one settings class with their defaults."""
    rows = [
        (f"`{field.name}`", spelled(field.name, getattr(kind(), field.name)), about[field.name])
        for field in fields(kind)
    ]
    return table(("field", "default", "bounds"), rows)


def reference() -> str:
    """The page. A bound without a meaning stops this tool."""
    unknown = constants() ^ {key for key in FIXED if is_bound(key.partition(":")[2])}
    if unknown:
        raise SystemExit(f"give these a meaning in FIXED, or take them out: {sorted(unknown)}")
    rows = [
        (f"`{key.replace(':', '.')}`", value_of(key), meaning) for key, meaning in FIXED.items()
    ]
    return (
        INTRODUCTION.replace("{note}", note("generate_limits_reference.py"))
        + settings(Timeouts, SETTINGS)
        + "\n"
        + settings(Limits, SETTINGS)
        + "\n## Held by the wire\n\nTowards clients, per worker.\n\n"
        + settings(WireLimits, WIRE)
        + "\n## Fixed\n\n"
        + table(("name", "value", "bounds"), rows)
    )


if __name__ == "__main__":
    raise SystemExit(settle(REFERENCE / "limits.md", reference()))
