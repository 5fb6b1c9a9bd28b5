/** Where an attempt works: a project's clone brought up to date, a folder of this node, or a fresh one. */
import { z } from 'zod';
import type { NodeId, OpId } from '#core/brand.ts';
import { hashSchema, opIdSchema } from '#core/schema/ids.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import type { LiveProject } from '#core/view/project.ts';
import { isLiveProject } from '#core/view/project.ts';
import type { TaskCreated } from '#core/view/task.ts';
import type { Refusal } from '#core/refusal.ts';
import type { BlobStore, OpStore } from '#ports.ts';
import { refusal } from '#core/refusal.ts';
import type { ProjectReady } from '#workspace/clone.ts';
import { readOrigin } from '#workspace/origin.ts';
import type { Source } from '#workspace/prepare.ts';
import { asRefusal } from '#workspace/refusal.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import type { BlobTransfer } from './blob-transfer.ts';
import type { Remote } from './remote.ts';
import { isRefusal } from './remote.ts';

/** Home may have to fetch and pack first. */
const BUNDLE_DEADLINE_MS = 120_000;

const bundleRequest = z.object({
  project: opIdSchema,
  base: z.string().nullable(),
  have: z.array(z.string()).max(1000),
});
const bundleAnswer = z.object({
  base: z.string(),
  head: z.string(),
  bundle: hashSchema.nullable(),
  sizeBytes: z.number().int().nonnegative(),
});

export type PlaceToWork = { source: Source; setup: string | null };

type SourcesOptions = {
  self: NodeId;
  store: Pick<OpStore, 'get'>;
  workspaces: Workspaces;
  blobs: BlobStore;
  transfer: BlobTransfer;
  remote: Remote;
};

export class Sources {
  private readonly options: SourcesOptions;

  constructor(options: SourcesOptions) {
    this.options = options;
    options.remote.serve('project.bundle', bundleRequest, (request) => this.bundle(request));
  }

  async of(task: TaskCreated, agent: LiveAgent): Promise<PlaceToWork | Refusal> {
    if (task.project !== null) {
      const project = this.project(task.project);
      if (isRefusal(project)) return project;
      const ready = await this.ensure(project, task.base);
      if (isRefusal(ready)) return ready;
      return { source: { kind: 'project', id: project.id, base: ready.base }, setup: project.registered.setup };
    }
    const path = task.projectPath ?? agent.registered.projectPath;
    if (path !== null && agent.registered.tmuxSessionId !== null)
      return { source: { kind: 'checkout', path }, setup: null };
    return { source: path === null ? { kind: 'scratch' } : { kind: 'path', path }, setup: null };
  }

  project(id: OpId): LiveProject | Refusal {
    const row = this.options.store.get('project', id);
    return isLiveProject(row) ? row : refusal('not_found', 'the project is not registered any more', { got: id });
  }

  /** True when every node can clone the project: its origin is a URL, no path. */
  isAnywhere(project: LiveProject): boolean {
    return isUrl(project.registered.origin);
  }

  /** The project's clone on this node, fetched now: from its URL, its path, or from the node where that path is. */
  async ensure(project: LiveProject, base: string | null): Promise<ProjectReady | Refusal> {
    const { workspaces, self } = this.options;
    const { name, origin, node } = project.registered;
    const wanted = base ?? project.registered.base;
    const request = { id: project.id, name, origin, originIsHere: node === self, base: wanted };
    const ready =
      isUrl(origin) || node === self
        ? await workspaces.ensureProject(request)
        : await this.fromHome(project, { ...request, base: wanted });
    return isRefusal(ready) ? asRefusal(ready) : ready;
  }

  private async fromHome(
    project: LiveProject,
    request: Parameters<Workspaces['ensureProject']>[0],
  ): ReturnType<Workspaces['ensureProject']> {
    const { remote, workspaces, transfer, blobs } = this.options;
    const { node } = project.registered;
    const answer = await remote.ask({
      to: node,
      method: 'project.bundle',
      params: { project: project.id, base: request.base, have: await workspaces.projectTips(project.id) },
      deadlineMs: BUNDLE_DEADLINE_MS,
      answer: bundleAnswer,
    });
    if (isRefusal(answer)) return unreachable(answer);
    const { bundle, ...rest } = answer;
    if (bundle === null) return workspaces.ensureProject({ ...request, fromHome: { ...rest, path: undefined } });
    const missing = await transfer.ensure(bundle, [node]);
    if (missing !== undefined) return unreachable(missing);
    return workspaces.ensureProject({ ...request, fromHome: { ...rest, path: await blobs.path(bundle) } });
  }

  /** Serves a node that lacks a project whose origin is a path here. */
  private async bundle(request: z.output<typeof bundleRequest>): Promise<z.output<typeof bundleAnswer> | Refusal> {
    const { workspaces, blobs, self } = this.options;
    const project = this.project(request.project);
    if (isRefusal(project)) return project;
    if (project.registered.node !== self) return refusal('not_found', 'the origin of that project is not on this node');
    const { origin } = project.registered;
    const answer = await workspaces.bundleProject({ origin, base: request.base, have: request.have });
    if (isRefusal(answer)) return asRefusal(answer);
    const { base, head, path, sizeBytes } = answer;
    if (path === undefined) return { base, head, bundle: null, sizeBytes };
    const { createReadStream } = await import('node:fs');
    const { hash } = await blobs.put(createReadStream(path));
    await workspaces.discard(path);
    return { base, head, bundle: hash, sizeBytes };
  }
}

/** True when every node can clone from there by itself. */
export const isUrl = (origin: string): boolean => {
  const read = readOrigin(origin);
  return !isRefusal(read) && read.kind === 'url';
};

const unreachable = (from: Refusal) => ({ ...from, code: 'project_unreachable' as const });
