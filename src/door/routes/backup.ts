/** A backup of this node, made while it goes on and followed by whoever asked for it. */
import { z } from 'zod';
import type { BackupMade, BackupProgress, BackupRun } from '#ports.ts';
import type { Door } from '../door.ts';
import type { Sink } from '../feed.ts';
import { Batch } from '../feed.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refused, refusalJson } from '../refusal.ts';
import type { Route } from '../route.ts';
import { otherRoute } from '../route.ts';
import { none, requiredText } from './input.ts';

/** A step is told of at its end, and in between at most so often. */
const PROGRESS_GAP_MS = 250;

const backup = otherRoute({
  method: 'POST',
  path: '/api/swarm/backup',
  summary: 'Back this node up into a directory of its machine, while it goes on',
  action: 'backup.create',
  params: none,
  query: none,
  body: z.object({
    target: requiredText('target', 4096)
      .regex(/^\//, 'target: an absolute path on this node is expected')
      .describe('A directory that is not there yet, or empty'),
  }),
  answer: 'events',
  events:
    'Any number of `backup.progress` ({step, done, total}), then exactly one of `backup.done` ({target, node_id, heads, files, size_bytes}) and ' +
    '`backup.failed` (a refusal; nothing was kept). Whoever leaves before ends the backup.',
  httpOnly: false,
  status: 200,
  handle: async ({ body, door }) => {
    const run = await door.node.backup(body.target);
    return isRefusal(run) ? run : { kind: 'events', open: (sink) => follow(run, sink, door) };
  },
});

/** Runs it for one client, and returns what ends it when that client leaves. */
function follow(run: BackupRun, sink: Sink, door: Door): () => void {
  const leaving = new AbortController();
  const say = (name: string, data: unknown): void => {
    if (leaving.signal.aborted) return;
    sink.deliver(new Batch(door.node.info.self, [{ name, n: undefined, json: () => JSON.stringify(data) }]));
  };
  let toldMs = Number.NEGATIVE_INFINITY;
  const onProgress = (progress: BackupProgress): void => {
    const nowMs = performance.now();
    if (progress.done < progress.total && nowMs - toldMs < PROGRESS_GAP_MS) return;
    toldMs = nowMs;
    say('backup.progress', progress);
  };
  void run({ onProgress, signal: leaving.signal })
    .catch((error: unknown) => (leaving.signal.aborted ? refused('stopping', 'left') : failure(error, door)))
    .then((made) => {
      if (isRefusal(made)) say('backup.failed', refusalJson(made));
      else say('backup.done', doneJson(made, door));
      if (!leaving.signal.aborted) sink.end();
    });
  return () => leaving.abort(new Error('nobody waits for this backup any more'));
}

const doneJson = ({ target, heads, files, sizeBytes }: BackupMade, door: Door) => ({
  target,
  node_id: door.node.info.self,
  heads,
  files,
  size_bytes: sizeBytes,
});

/** A full or failing disk: whoever asked is the operator, who is told as it is. */
function failure(error: unknown, door: Door): DoorRefusal {
  door.onFault(error, 'backup');
  return refused('internal', `the backup failed: ${error instanceof Error ? error.message : String(error)}`);
}

export const backupRoutes: readonly Route[] = [backup];
