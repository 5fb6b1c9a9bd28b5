/** The launcher's configuration: a JSON file that is named, with codeswarm's keys. Nothing that belongs to a site has a default. */
import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { LaunchRefusal } from './refusal.ts';

/** Words that stand in a batch script's head, where nothing is quoted. */
const word = z.string().regex(/^[A-Za-z0-9_.@:-]{1,100}$/, 'expected letters, digits and _ . @ : -');
const path = z.string().regex(/^[A-Za-z0-9_./@+-]{1,512}$/, 'expected a path without spaces');

const schema = z.looseObject({
  ssh: z.looseObject({
    login_alias: word.nullable(),
    config_file: path.optional(),
    controlpersist_minutes: z.number().int().positive().optional(),
    retry_attempts: z.number().int().min(1).max(20).optional(),
    retry_delay_seconds: z.number().nonnegative().max(60).optional(),
  }),
  slurm: z
    .looseObject({
      default_partition: word.nullish(),
      default_account: word.nullish(),
      default_qos: word.nullish(),
      default_time: word.nullish(),
      default_mem: word.nullish(),
    })
    .default({}),
  cluster: z.looseObject({
    workspace_root: path.refine(isAbsolute, 'expected an absolute path'),
    cluster_subdir: path,
    skep: path.optional(),
    model_url: z.url({ protocol: /^https?$/ }).optional(),
  }),
  launch: z
    .looseObject({
      soft_timeout_seconds: z.number().positive().default(900),
      hard_timeout_seconds: z.number().positive().default(2_700),
    })
    .prefault({}),
  router: z
    .looseObject({
      /** A worker that has not beaten for so long counts as lost. It beats every 5 s: a file system may hide one beat, or a busy node miss it. */
      heartbeat_timeout_seconds: z.number().min(10).max(86_400).default(120),
    })
    .prefault({}),
});
export type LaunchConfig = z.output<typeof schema>;

const REQUIRED = [
  ['ssh', 'login_alias'],
  ['cluster', 'workspace_root'],
  ['cluster', 'cluster_subdir'],
] as const;

/** Throws a {@link LaunchRefusal} that names the file or the key. */
export function readConfig(file: string): LaunchConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new LaunchRefusal('config', `Config file not found: ${file}`, { cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new LaunchRefusal('config', `${file} is no JSON: ${String(cause)}`, { cause });
  }
  for (const [section, key] of REQUIRED) {
    if (!hasKey(json, section, key))
      throw new LaunchRefusal('config', `Missing required config field: ${section}.${key}`);
  }
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw new LaunchRefusal('config', `${file}: ${issue?.path.join('.')}: ${issue?.message}`);
}

function hasKey(json: unknown, section: string, key: string): boolean {
  const table = z.record(z.string(), z.unknown()).safeParse(json).data?.[section];
  return z.record(z.string(), z.unknown()).safeParse(table).data?.[key] !== undefined;
}
