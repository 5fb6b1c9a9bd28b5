/** What Codex asks of whoever drives it, as a question for people, and their answer in its words. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { PermissionAnswer, PermissionRequest } from '#agent-ports.ts';
import { oneLine } from '../tool-title.ts';
import type { Change, ServerRequest } from './messages.ts';

export type Approval = {
  permission: PermissionRequest;
  /** The result of the answer. */
  decide: (answer: PermissionAnswer) => object;
};

type Context = {
  cwd: string;
  /** The changes that an item is to make, told before it asks. */
  changes: (item: string) => readonly Change[];
};

const where = { itemId: z.string().default(''), reason: z.string().nullish() };
const command = z.looseObject({
  ...where,
  command: z.string().nullish(),
  cwd: z.string().nullish(),
  commandActions: z.array(z.looseObject({ command: z.string() })).nullish(),
});
const fileChange = z.looseObject({ ...where, grantRoot: z.string().nullish() });
const questions = z.looseObject({
  ...where,
  questions: z.array(
    z.looseObject({
      id: z.string(),
      question: z.string(),
      options: z.array(z.looseObject({ label: z.string(), description: z.string().optional() })).nullish(),
    }),
  ),
});
const elicitation = z.looseObject({
  turnId: z.string().nullish(),
  serverName: z.string(),
  message: z.string().default(''),
  _meta: z.looseObject({ codex_approval_kind: z.string().nullish(), tool_name: z.string().nullish() }).nullish(),
});
const permissions = z.looseObject({ ...where, permissions: z.unknown() });

const decision = ({ behavior }: PermissionAnswer): object => ({
  decision: behavior === 'allow' ? 'accept' : 'decline',
});

/** Undefined: this is no question for people. */
export function approvalOf(request: ServerRequest, context: Context): Approval | undefined {
  switch (request.method) {
    case 'item/commandExecution/requestApproval':
      return commandApproval(request, context);
    case 'item/fileChange/requestApproval':
      return changeApproval(request, context);
    case 'item/tool/requestUserInput':
      return question(request, context);
    case 'mcpServer/elicitation/request':
      return elicited(request, context);
    case 'item/permissions/requestApproval': {
      const asked = permissions.safeParse(request.params).data;
      if (asked === undefined) return undefined;
      const detail = JSON.stringify(asked.permissions, undefined, 2);
      const title = oneLine(asked.reason ?? 'more permissions');
      const permission = base(request, { item: asked.itemId, tool: 'permissions', title, detail, cwd: context.cwd });
      // What is granted holds for this turn; granted nothing, Codex goes on without it.
      const decide = ({ behavior }: PermissionAnswer) => ({
        permissions: behavior === 'allow' ? asked.permissions : {},
        scope: 'turn',
      });
      return { permission, decide };
    }
    default:
      return undefined;
  }
}

/** The shell that Codex wraps a command into, once the command is taken out. */
const WRAPPER = /^(?:\S*\/)?(?:bash|zsh|sh) -l?c (?:'')?$/;

/**
 * The command itself, where its one action is all that stands in the shell around it. Actions are a reading for people, which may leave something out
 * (`… | xargs rm`): then all of it is shown, and no rule for the action alone allows it.
 */
function unwrapped({ command: whole, commandActions: actions }: z.output<typeof command>): string | null | undefined {
  const [action, ...more] = actions ?? [];
  if (typeof whole !== 'string' || action === undefined || more.length > 0) return whole;
  return WRAPPER.test(whole.replace(action.command, () => '')) ? action.command : whole;
}

function commandApproval(request: ServerRequest, { cwd }: Context): Approval | undefined {
  const asked = command.safeParse(request.params).data;
  if (asked === undefined) return undefined;
  const bare = unwrapped(asked);
  const detail = bare ?? JSON.stringify(request.params, undefined, 2);
  const title = oneLine(asked.reason === null || asked.reason === undefined ? detail : `${detail} (${asked.reason})`);
  const permission = base(request, { item: asked.itemId, tool: 'exec_command', title, detail, cwd: asked.cwd ?? cwd });
  return {
    permission: { ...permission, kind: bare === null || bare === undefined ? 'tool' : 'command' },
    decide: decision,
  };
}

function changeApproval(request: ServerRequest, { cwd, changes }: Context): Approval | undefined {
  const asked = fileChange.safeParse(request.params).data;
  if (asked === undefined) return undefined;
  const all = changes(asked.itemId);
  const detail = all.map(({ path, kind, diff }) => `${kind?.type ?? 'change'} ${path}\n${diff}`).join('\n');
  const paths = [...all.map(({ path }) => path), ...(typeof asked.grantRoot === 'string' ? [asked.grantRoot] : [])];
  const title = oneLine(`apply_patch: ${paths.join(', ')}`);
  const permission = base(request, { item: asked.itemId, tool: 'apply_patch', title, detail, cwd });
  return { permission: { ...permission, kind: 'edit', paths: paths.filter(isAbsolute) }, decide: decision };
}

function question(request: ServerRequest, { cwd }: Context): Approval | undefined {
  const asked = questions.safeParse(request.params).data;
  if (asked === undefined) return undefined;
  const asText = ({ question: text, options }: (typeof asked.questions)[number]): string =>
    [
      text,
      ...(options ?? []).map((one) => `- ${one.label}${one.description === undefined ? '' : `: ${one.description}`}`),
    ].join('\n');
  const detail = asked.questions.map(asText).join('\n\n');
  const title = oneLine(asked.questions[0]?.question ?? 'a question');
  const permission = base(request, { item: asked.itemId, tool: 'request_user_input', title, detail, cwd });
  const decide = ({ message }: PermissionAnswer) => {
    const lines = message.trim().split('\n');
    const answerOf = (at: number): string => (lines.length === asked.questions.length ? (lines[at] ?? '') : message);
    return { answers: Object.fromEntries(asked.questions.map((one, at) => [one.id, { answers: [answerOf(at)] }])) };
  };
  return { permission: { ...permission, kind: 'question' }, decide };
}

/** A tool server asks: in Codex's name, whether its tool may be called, or in its own, for something that only people know. */
function elicited(request: ServerRequest, { cwd }: Context): Approval | undefined {
  const asked = elicitation.safeParse(request.params).data;
  if (asked === undefined) return undefined;
  const { serverName, message, _meta: meta } = asked;
  const tool = `mcp__${serverName}__${meta?.tool_name ?? 'elicitation'}`;
  const detail = JSON.stringify(meta ?? request.params, undefined, 2);
  const permission = base(request, { item: asked.turnId ?? '', tool, title: oneLine(message), detail, cwd });
  const decide = ({ behavior }: PermissionAnswer) =>
    behavior === 'allow' ? { action: 'accept', content: {} } : { action: 'decline' };
  return { permission, decide };
}

/** The server whose tool is to be called; undefined for every other request. */
export function calledServer({ method, params }: ServerRequest): string | undefined {
  const asked = method === 'mcpServer/elicitation/request' ? elicitation.safeParse(params).data : undefined;
  return asked?._meta?.codex_approval_kind === 'mcp_tool_call' ? asked.serverName : undefined;
}

/** Codex counts its requests anew in each process; with its item the name is unique in the conversation. */
function base(
  request: ServerRequest,
  o: { item: string; tool: string; title: string; detail: string; cwd: string },
): PermissionRequest {
  const { item, ...rest } = o;
  return { ...rest, request: `${item} ${JSON.stringify(request.id)}`, kind: 'tool', paths: [] };
}
