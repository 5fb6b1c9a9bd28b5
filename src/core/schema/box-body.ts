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

/** A name in small letters; an address of version 4 in the one usual spelling, so that no other number passes for a name; one of version 6 in brackets. */
const HOST =
  /^(?:(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)|\[[0-9a-f:]{2,39}\])$/;
const PORT_MAX = 65_535;

/** `host:port`: a place of the network that a box may reach through its node. Compared letter by letter. */
export const egressPlaceSchema = z
  .string()
  .max(300)
  .refine(
    (text) => {
      const at = text.lastIndexOf(':');
      const port = text.slice(at + 1);
      return HOST.test(text.slice(0, at)) && /^[1-9][0-9]{0,4}$/.test(port) && Number(port) <= PORT_MAX;
    },
    { message: 'a place that a box may reach is HOST:PORT: a whole name in small letters, or an address' },
  );

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
  /** Where it may go; left out: nowhere. */
  egress: z.array(egressPlaceSchema).max(64).optional(),
});
