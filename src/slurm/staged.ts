/**
 * What a launch leaves for its workers before there is a job: `launches/<launch>.json` below the shared directory. Each worker takes it at its first
 * start, so that a launch is one step, the submission, and no step after it can be missing.
 *
 *     {"prompt":"Say hello.","persona":{"agents_md_content":"# Rules\n…","skills_files":[{"path":"build/SKILL.md","content":"…"}]},"continues":"4711"}
 */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { z } from 'zod';
import { rotatedPath } from '#runtime/shared-mailbox/rotation.ts';

/** Rules and skills are words for a model, whose window is smaller than this. */
export const PERSONA_MAX_BYTES = 1024 * 1024;
const SKILLS_MAX = 200;

/** Below the agent's folder for skills, whatever its name says. */
const skillPath = z
  .string()
  .max(500)
  .refine((path) => /^[^/\0][^\0]*$/.test(path) && !normalize(path).startsWith('..'), 'expected a path below skills');

/** By codeswarm's names. */
export const personaSchema = z.object({
  agents_md_content: z.string().max(PERSONA_MAX_BYTES),
  skills_files: z
    .array(z.object({ path: skillPath, content: z.string().max(PERSONA_MAX_BYTES) }))
    .max(SKILLS_MAX)
    .default([]),
});
export type Persona = z.output<typeof personaSchema>;

const stagedSchema = z.object({
  /** What each agent is told first. */
  prompt: z.string().optional(),
  persona: personaSchema.optional(),
  /** A job whose agents go on in this one, node by node. */
  continues: z.string().optional(),
  /** Agents are offered skep's own tools: somebody who reads the outboxes answers them. */
  tools: z.boolean().optional(),
});
export type Staged = z.output<typeof stagedSchema>;

export const stagedPath = (base: string, launch: string): string => join(base, 'launches', `${launch}.json`);

/** A name that no other launch has. */
export const freshLaunch = (): string => randomBytes(8).toString('hex');

/** Throws where nothing readable was staged. */
export const readStaged = (base: string, launch: string): Staged =>
  stagedSchema.parse(JSON.parse(readFileSync(stagedPath(base, launch), 'utf8')));

/** Puts records before all that stands in an inbox, as a file that was moved aside before: in one step, and once, whoever does it again. */
export function tellFirst(inbox: string, records: readonly object[]): void {
  if (records.length === 0) return;
  const path = rotatedPath(inbox, 1);
  const fresh = `${path}.${randomBytes(4).toString('hex')}`;
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  writeFileSync(fresh, text, { mode: 0o600, flush: true });
  try {
    linkSync(fresh, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** Rules and skills where agents look for them. A repository's own come first: what is there stays. */
export function dress(cwd: string, { agents_md_content: rules, skills_files: skills }: Persona): void {
  keep(join(cwd, 'AGENTS.md'), rules);
  // Claude Code reads that name only, and follows what stands in it.
  keep(join(cwd, 'CLAUDE.md'), '@AGENTS.md\n');
  for (const { path, content } of skills) keep(join(cwd, '.agents/skills', path), content);
}

function keep(path: string, content: string): void {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
