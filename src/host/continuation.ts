/** An attempt that was cut off with its allocation leaves commits, and the next one of its task begins with them, wherever it runs. */
import { holderOf } from '#core/view/chain.ts';
import type { EndValue, Work } from '#core/schema/body.ts';
import { procIdOf, type OpId } from '#core/brand.ts';
import type { BlobStore, OpStore } from '#ports.ts';
import type { PrepareRequest } from '#workspace/prepare.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import type { AttemptPlan, AttemptTools, AttemptWorkspaces } from './attempt-plan.ts';
import type { BlobTransfer } from './blob-transfer.ts';
import { isRefusal } from './remote.ts';

export type ContinuationOptions = {
  store: Pick<OpStore, 'get'>;
  workspaces: Workspaces;
  blobs: BlobStore;
  transfer: BlobTransfer;
  unstash: AttemptTools['unstash'];
  log: (line: string) => void;
};

/** Of the notes, what a prompt carries: their end. */
const NOTES_MAX_CHARS = 4_000;

export class Continuation {
  readonly #o: ContinuationOptions;
  /** Attempts that began anew, as the work of the one before could not be had. */
  readonly #anew = new Set<string>();

  constructor(o: ContinuationOptions) {
    this.#o = o;
  }

  /** The same places to work, but that one begins where the attempt before it was cut off. */
  get workspaces(): AttemptWorkspaces {
    const { workspaces } = this.#o;
    return {
      prepare: (request) => this.#prepare(request),
      find: (id) => workspaces.find(id),
      deliver: (prepared) => workspaces.deliver(prepared),
      discard: (path) => workspaces.discard(path),
      agentEnvironment: (prepared) => workspaces.agentEnvironment(prepared),
      salvageAndRemove: (prepared) => workspaces.salvageAndRemove(prepared),
    };
  }

  /** Empty where no earlier attempt was cut off. */
  async wordsFor({ task, attempt }: AttemptPlan): Promise<string> {
    const [cut] = this.#cutOff(task, attempt);
    if (cut === undefined) return '';
    const begun = this.#anew.has(procIdOf(task, attempt)) ? undefined : this.#left(task, attempt)?.work;
    const work =
      begun === undefined
        ? 'Nothing that it made is in your folder: begin anew.'
        : `Your folder begins at its last commit, ${begun.head.slice(0, 12)} (git log): look at what is done, and go on from there.`;
    const notes = cut.error === null ? '' : (await this.#o.unstash(cut.error)).trim().slice(-NOTES_MAX_CHARS);
    const quoted = notes.split('\n').map((line) => `> ${line}`);
    const left = notes === '' ? '' : `\nIts notes, the newest line last:\n${quoted.join('\n')}`;
    return `Attempt ${cut.attempt} at this was cut off when its allocation ended. ${work}${left}\n\n`;
  }

  /** Attempts before this one that were cut off, the newest first. */
  #cutOff(task: OpId, attempt: number): EndValue[] {
    const ends = Object.values(this.#o.store.get('task', task)?.ends ?? {}).map(({ value }) => value);
    return ends
      .filter((value) => value.attempt < attempt && value.reason === 'walltime')
      .toSorted((a, b) => b.attempt - a.attempt);
  }

  /** The newest of them whose work was kept: it began with that of those before it. */
  #left(task: OpId, attempt: number): { attempt: number; work: Work } | undefined {
    return this.#cutOff(task, attempt).flatMap(({ attempt: of, work }) =>
      work === null ? [] : [{ attempt: of, work }],
    )[0];
  }

  async #prepare(request: PrepareRequest): ReturnType<AttemptWorkspaces['prepare']> {
    const { store, workspaces, blobs, transfer, log } = this.#o;
    const answer = await workspaces.prepare(request);
    const cut = this.#left(request.task, request.attempt);
    const row = store.get('task', request.task);
    if (isRefusal(answer) || answer.found || cut === undefined || row?.created === undefined) return answer;
    const name = procIdOf(request.task, request.attempt);
    if (answer.prepared.kind !== 'worktree') this.#anew.add(name);
    if (answer.prepared.kind !== 'worktree') return answer;
    const { work } = cut;
    request.onStatus?.(`Going on with attempt ${cut.attempt}: ${work.commits} commits`);
    const before = holderOf(row, cut.attempt)?.value.node;
    const missing = await transfer.ensure(work.bundle, [
      ...row.created.voters,
      ...(before === undefined ? [] : [before]),
    ]);
    const bundlePath = missing === undefined ? await blobs.path(work.bundle) : undefined;
    const failed =
      bundlePath === undefined
        ? missing
        : await workspaces.advance({ prepared: answer.prepared, bundlePath, head: work.head });
    if (failed === undefined) return answer;
    // The work is still where it was; this attempt begins anew.
    this.#anew.add(name);
    log(`attempt ${request.attempt} of ${request.task} begins anew: ${failed.message}`);
    return answer;
  }
}
