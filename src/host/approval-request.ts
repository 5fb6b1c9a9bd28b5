/** A tool's request as the op that everybody sees: within the limits of ops, without what looks like a secret, and with nothing that cannot be seen. */
import { masked } from '#core/approval/mask.ts';
import { visible } from '#core/approval/visible.ts';
import { canonicalJson } from '#core/canonical.ts';
import type { BodyOf } from '#core/schema/body.ts';
import type { LongText } from '#core/schema/ids.ts';
import type { Question } from './agent-desk.ts';

/** Of a tool's own name for a request. */
export const NAME_MAX_CHARS = 256;
const PATH_MAX_CHARS = 4_096;
/** Of the paths together: an op holds 64 KiB. The detail names all of them. */
const PATHS_MAX_CHARS = 8_192;
const PATHS_MAX = 64;

/** As others may see it: without what looks like a secret, and with nothing hidden. */
export const shown = (text: string): string => visible(masked(text));

export async function requestedBody(
  { plan, request, why }: Pick<Question, 'plan' | 'request'> & { why: string },
  stash: (text: string) => Promise<LongText>,
): Promise<BodyOf<'approval.requested'>> {
  const { task, attempt, agent } = plan;
  return {
    type: 'approval.requested',
    task,
    attempt,
    agent: agent.id,
    request: request.request,
    kind: request.kind,
    tool: shown(request.tool).slice(0, 128),
    title: shown(request.title).slice(0, 1000),
    detail: await stash(shown(request.detail)),
    cwd: request.cwd === null ? null : shown(request.cwd).slice(0, PATH_MAX_CHARS),
    paths: pathsOf(request.paths),
    why: shown(why).slice(0, 500),
  };
}

function pathsOf(paths: readonly string[]): string[] {
  const kept: string[] = [];
  let chars = 0;
  for (const path of paths.slice(0, PATHS_MAX)) {
    chars += path.length;
    if (chars > PATHS_MAX_CHARS) break;
    kept.push(shown(path).slice(0, PATH_MAX_CHARS));
  }
  return kept;
}

/** Whether an answer to the one also answers the other. */
export const asksTheSame = (a: Asking, b: Asking): boolean =>
  a.kind === b.kind && a.tool === b.tool && a.title === b.title && canonicalJson(a.detail) === canonicalJson(b.detail);

type Asking = Pick<BodyOf<'approval.requested'>, 'kind' | 'tool' | 'title' | 'detail'>;
