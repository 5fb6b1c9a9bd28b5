/** The body by which an operator says in what an agent runs. */
import { z } from 'zod';
import { opIdSchema } from './ids.ts';

/** `sandbox`: bubblewrap over the machine's own programs. `container`: Podman or Docker. `nspawn`: systemd-nspawn over a folder. */
export const boxKindSchema = z.enum(['sandbox', 'container', 'nspawn']);
export type BoxKind = z.output<typeof boxKindSchema>;

/** Absolute, without `..` or a colon, by which containers part one path from another. */
const path = z
  .string()
  .max(4096)
  .regex(/^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^\0\n:]*$/);

/** A file or folder of the agent's machine, and where the box shows it. */
export const boxMountSchema = z.object({ from: path, at: path, writable: z.boolean() });
export type BoxMount = z.output<typeof boxMountSchema>;

/** Null: as much as the machine gives. */
export const boxLimitsSchema = z.object({
  memoryBytes: z
    .number()
    .int()
    .min(16 * 1024 * 1024)
    .nullable(),
  cpus: z.number().min(0.01).max(4096).nullable(),
  processes: z.number().int().min(8).nullable(),
});
export type BoxLimits = z.output<typeof boxLimitsSchema>;

/**
 * In what this agent runs from its next process on; of several words the newest counts. Only its own node may say it: what stands elsewhere changes
 * nothing. A secret has a name here, and its text on the agent's machine alone.
 */
export const boxDeclared = z.object({
  type: z.literal('box.declared'),
  agent: opIdSchema,
  runtime: boxKindSchema,
  /** What it is made of; null for a sandbox. */
  image: z.string().min(1).max(512).nullable(),
  mounts: z.array(boxMountSchema).max(32),
  limits: boxLimitsSchema,
  secretNames: z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)).max(32),
});
