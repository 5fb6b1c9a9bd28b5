/** What a remote says of its refs. */
import type { GitResult } from './git.ts';
import { REMOTE_TIMEOUT_MS, saidBy } from './git.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { refusal } from './refusal.ts';
import type { Room } from './room.ts';

/** Of an unknown branch's siblings, how many a refusal names. */
const NAMED_MAX = 10;

export type RemoteRefs = {
  /** Full name of the branch that the remote's HEAD points at; undefined when it is detached, unborn, or the remote does not tell. */
  headBranch: string | undefined;
  /** Commits by full ref name, `HEAD` included. */
  commits: ReadonlyMap<string, string>;
};

function parsedRefs(out: string): RemoteRefs {
  const commits = new Map<string, string>();
  let headBranch: string | undefined;
  for (const line of out.split('\n')) {
    const [value = '', name = ''] = line.split('\t');
    if (!value.startsWith('ref: ')) commits.set(name, value);
    else if (name === 'HEAD') headBranch = value.slice('ref: '.length);
  }
  return { headBranch, commits };
}

function unreachable(url: string, asked: GitResult): WorkspaceRefusal {
  const foreign = /does not appear to be a git repository|repository '.*' not found|repository not found/i.test(
    asked.err,
  );
  return foreign
    ? refusal('not_a_repository', `there is no git repository at the project's origin: ${saidBy(asked)}`)
    : refusal('project_unreachable', `the project's origin does not answer: ${saidBy(asked)}`);
}

/** Asks the remote at `url` for the refs that end in one of `names` (one round trip). */
export async function listRemote(
  room: Room,
  { url, names, timeoutMs }: { url: string; names: readonly string[]; timeoutMs?: number },
): Promise<RemoteRefs | WorkspaceRefusal> {
  const asked = await room.git.run(['ls-remote', '--quiet', '--symref', '--end-of-options', url, ...names], {
    cwd: room.layout.projects,
    // The state directory may lie in somebody's repository, which has no say here.
    environment: { GIT_CEILING_DIRECTORIES: room.layout.stateDir },
    timeoutMs: timeoutMs ?? REMOTE_TIMEOUT_MS,
  });
  return asked.ok ? parsedRefs(asked.out) : unreachable(url, asked);
}

async function noSuchBase(room: Room, o: { url: string; base: string | null }): Promise<WorkspaceRefusal> {
  const all = await listRemote(room, { url: o.url, names: ['refs/heads/*'] });
  if ('refused' in all) return all;
  const branches = [...all.commits.keys()].flatMap((ref) =>
    ref.startsWith('refs/heads/') ? [ref.slice('refs/heads/'.length)] : [],
  );
  if (branches.length === 0)
    return refusal('empty_repository', 'the project has no commit yet', {
      expected: 'a branch with a commit to start from',
    });
  const named = branches.slice(0, NAMED_MAX).join(', ');
  return refusal(
    'unknown_base',
    o.base === null ? "the origin's HEAD points at no branch: name a base" : 'the project has no such branch',
    {
      expected: branches.length > NAMED_MAX ? `${named}, …` : named,
      got: o.base ?? 'HEAD',
    },
  );
}

/** The branch that work starts from: `base`, or where it is null the one that the origin's HEAD points at, and its commit. */
export async function findBase(
  room: Room,
  o: { url: string; base: string | null },
): Promise<{ base: string; head: string } | WorkspaceRefusal> {
  const listed = await listRemote(room, { url: o.url, names: o.base === null ? ['HEAD'] : [`refs/heads/${o.base}`] });
  if ('refused' in listed) return listed;
  const ref = o.base === null ? listed.headBranch : `refs/heads/${o.base}`;
  const head = listed.commits.get(o.base === null ? 'HEAD' : (ref ?? ''));
  if (ref === undefined || head === undefined || !ref.startsWith('refs/heads/')) return noSuchBase(room, o);
  return { base: ref.slice('refs/heads/'.length), head };
}
