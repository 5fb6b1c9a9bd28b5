/**
 * What stands in a mailbox of an allocation, by codeswarm's names; what others add to a record is kept and passed over.
 *
 * Inbox, for a worker:
 *
 *     {"type":"user","content":"Say hello.","injection_id":"i-1"}
 *     {"type":"user","content":"And hurry.","steer":true}
 *     {"type":"control","payload":{"type":"rpc_response","rpc_id":0,"result":{"decision":"accept"}}}
 *     {"type":"control","payload":{"method":"exec/approvalResponse","params":{"call_id":"call-1","approved":true}}}
 *     {"type":"control","payload":{"method":"turn/interrupt"}}
 *     {"type":"tool_result","call":"0-1","status":200,"body":{"text":"Noted."}}
 *     {"type":"shutdown"}
 *     {"type":"proc_start","proc":"…-1.1","argv":["codex","app-server"],"cwd":"/scratch/fleet/runs/12/work/…-1.1/tree","env":{"SKEP_TASK":"…-1"}}
 *     {"type":"proc_write","proc":"…-1.1","line":"{\"method\":\"initialize\"}"}
 *     {"type":"proc_kill","proc":"…-1.1","grace_ms":5000}
 *     {"type":"proc_ask","proc":"…-1.1"}
 *     {"type":"proc_checkpoint","proc":"…-1.1","cwd":"/scratch/fleet/runs/12/work/…-1.1/tree"}
 *     {"type":"exec","exec":"…","argv":["git","init"],"cwd":"/scratch/fleet","env":{},"timeout_ms":60000}
 *
 * Outbox, each with `job_id`, `node_id` and `restart` beside it, which counts the workers of that name: what one writes after a later one began is late.
 *
 *     {"type":"start","hostname":"n1","timestamp":1767225600,"tool":"codex","cwd":"/scratch/you/fleet/runs/12/agent_00"}
 *     {"type":"codex_rpc","payload":{"method":"turn/started","params":{…}}}
 *     {"type":"codex_stderr","line":"…"}
 *     {"type":"worker_event","event":"assistant_delta","payload":{"content":"Hel"},"injection_id":"i-1"}
 *     {"type":"worker_error","error":"…"}
 *     {"type":"taken","inbox":{"inode":"71","offset":41},"injection_id":"i-1"}
 *     {"type":"acknowledged","inbox":{"inode":"71","offset":41}}
 *     {"type":"tool_call","call":"0-1","method":"POST","path":"/api/tools/task_complete","body":{"summary":"Done."}}
 *     {"type":"complete","timestamp":1767225900,"reason":"shutdown"}
 *     {"type":"proc_started","proc":"…-1.1"}
 *     {"type":"proc_output","proc":"…-1.1","n":1,"stream":"out","text":"{\"method\":\"turn/started\"}"}
 *     {"type":"proc_exit","proc":"…-1.1","code":null,"signal":null,"error":"walltime"}
 *     {"type":"proc_checkpointed","proc":"…-1.1","work":"all is committed; …"}
 *     {"type":"exec_done","exec":"…","code":0,"signal":null,"error":null,"stdout":"","stderr":""}
 */
import { z } from 'zod';

/** `append_id`: the record's own name, where a router appended it; one that comes twice counts once. */
const common = { append_id: z.string().optional() };
const user = z.looseObject({
  type: z.literal('user'),
  ...common,
  content: z.string(),
  injection_id: z.string().optional(),
  steer: z.boolean().optional(),
  /** An agent may have been given it before, in another allocation. */
  redelivered: z.boolean().optional(),
});
const shutdown = z.looseObject({ type: z.literal('shutdown'), ...common });
const control = z.looseObject({ type: z.literal('control'), ...common, payload: z.record(z.string(), z.unknown()) });

const toolResult = z.looseObject({
  type: z.literal('tool_result'),
  ...common,
  call: z.string(),
  status: z.number().int(),
  body: z.unknown(),
});

export type ToolResult = z.output<typeof toolResult>;

const proc = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/);
const argv = z.tuple([z.string()], z.string());
const env = z.record(z.string(), z.string());
const exit = { code: z.number().nullable(), signal: z.string().nullable(), error: z.string().nullable() };

/** What a node of the swarm runs on the worker's node: processes of its attempts, and their commands. */
export const processRecord = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('proc_start'), ...common, proc, argv, cwd: z.string(), env }),
  z.looseObject({ type: z.literal('proc_write'), ...common, proc, line: z.string() }),
  z.looseObject({ type: z.literal('proc_kill'), ...common, proc, grace_ms: z.number().int().nonnegative() }),
  /** Its exit is told where it was never started: its node was killed before it had asked for it. */
  z.looseObject({ type: z.literal('proc_ask'), ...common, proc }),
  z.looseObject({ type: z.literal('proc_checkpoint'), ...common, proc, cwd: z.string() }),
  z.looseObject({
    type: z.literal('exec'),
    ...common,
    exec: z.string(),
    argv,
    cwd: z.string(),
    env,
    timeout_ms: z.number().int().positive(),
    stdin: z.string().optional(),
  }),
]);
export type ProcessRecord = z.output<typeof processRecord>;

export const inboxRecord = z.union([
  z.discriminatedUnion('type', [user, shutdown, control, toolResult]),
  processRecord,
]);

const position = z.object({ inode: z.string(), offset: z.number().int().nonnegative() });
/** codeswarm's own worker writes them as text. */
const from = {
  job_id: z.coerce.string(),
  node_id: z.coerce.number().int().nonnegative(),
  restart: z.number().int().nonnegative().optional(),
};
const injection = { injection_id: z.string().optional(), redelivered: z.boolean().optional() };

export const outboxRecord = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('start'),
    ...from,
    hostname: z.string(),
    cwd: z.string().optional(),
    /** When the walltime is over, in seconds since 1970; null where nobody knows. */
    ends_at: z.number().nullable().optional(),
    /** How an agent on that node reaches the tools of skep. */
    tools: z.object({ command: argv, socket: z.string() }).optional(),
  }),
  z.looseObject({ type: z.literal('codex_rpc'), ...from, payload: z.record(z.string(), z.unknown()) }),
  z.looseObject({ type: z.literal('codex_stderr'), ...from, line: z.string() }),
  z.looseObject({
    type: z.literal('worker_event'),
    ...from,
    ...injection,
    event: z.string(),
    payload: z.record(z.string(), z.unknown()),
  }),
  z.looseObject({ type: z.literal('worker_error'), ...from, ...injection, error: z.string() }),
  z.looseObject({ type: z.literal('taken'), ...from, ...injection, inbox: position }),
  z.looseObject({ type: z.literal('acknowledged'), ...from, inbox: position }),
  z.looseObject({
    type: z.literal('tool_call'),
    ...from,
    call: z.string(),
    method: z.string(),
    path: z.string(),
    body: z.unknown(),
    /** Of an attempt of the swarm; without it, the worker's own agent asks. */
    token: z.string().optional(),
  }),
  z.looseObject({ type: z.literal('complete'), ...from, reason: z.string().optional() }),
  z.looseObject({ type: z.literal('proc_started'), ...from, proc }),
  z.looseObject({
    type: z.literal('proc_output'),
    ...from,
    proc,
    /** Of this process: 1, 2, 3, … */
    n: z.number().int().positive(),
    stream: z.enum(['out', 'err']),
    /** One line, without its end; with `dropped`, what stands there instead of so many bytes. */
    text: z.string(),
    dropped: z.number().int().positive().optional(),
  }),
  z.looseObject({ type: z.literal('proc_exit'), ...from, proc, ...exit }),
  z.looseObject({ type: z.literal('proc_checkpointed'), ...from, proc, work: z.string() }),
  z.looseObject({
    type: z.literal('exec_done'),
    ...from,
    exec: z.string(),
    ...exit,
    stdout: z.string(),
    stderr: z.string(),
  }),
]);
export type OutboxRecord = z.output<typeof outboxRecord>;

type Told<T> = T extends { job_id: string } ? Omit<T, 'job_id' | 'node_id' | 'restart'> : never;
/** A record without its sender, which the outbox adds. */
export type Unsent = Told<OutboxRecord>;

/** `12_00.jsonl`: the number of the job and, with two digits, that of the node in it. */
export const mailboxName = (job: string, node: number): string => `${job}_${String(node).padStart(2, '0')}.jsonl`;
