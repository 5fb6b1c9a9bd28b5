/** A persona from files here: `AGENTS.md` alone, or a directory with it and with `skills/`. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PERSONA_MAX_BYTES, personaSchema, type Persona } from '../staged.ts';
import { LaunchRefusal } from './refusal.ts';

/** Throws a {@link LaunchRefusal} that names the path. */
export function readPersona(path: string): Persona {
  try {
    if (!statSync(path).isDirectory()) return personaSchema.parse({ agents_md_content: readFileSync(path, 'utf8') });
    const skills = join(path, 'skills');
    const files = statSync(skills, { throwIfNoEntry: false })?.isDirectory() === true ? filesIn(skills) : [];
    const skills_files = files.map((file) => ({ path: relative(skills, file), content: readFileSync(file, 'utf8') }));
    const persona = personaSchema.parse({
      agents_md_content: readFileSync(join(path, 'AGENTS.md'), 'utf8'),
      skills_files,
    });
    const bytes = Buffer.byteLength(JSON.stringify(persona));
    if (bytes > PERSONA_MAX_BYTES) throw new Error(`it has ${bytes} bytes, and at most ${PERSONA_MAX_BYTES} are taken`);
    return persona;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LaunchRefusal('wanted', `no persona at ${path}: ${why}`, { cause });
  }
}

/** Links lead elsewhere: they are left out. */
function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}
