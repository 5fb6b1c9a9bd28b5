/** Which tool a step calls, of those that the request offers, and with what. */
import { z } from 'zod';
import type { Asked, Tool } from './request.ts';
import type { Step } from './script.ts';

export type ToolCall = {
  name: string;
  namespace: string | undefined;
  input: Record<string, unknown>;
  custom: string | undefined;
};

/** Names that the CLIs give their shell tool. */
const SHELLS = [
  'Bash',
  'bash',
  'exec_command',
  'shell_command',
  'shell',
  'run_shell_command',
  'local_shell',
  'container.exec',
];

/** Undefined where the step calls none. A tool that is not offered is called all the same: what a CLI makes of that is its own affair. */
export function toolCallOf(step: Step, { tools }: Asked): ToolCall | undefined {
  const { namespace, custom } = step;
  if (step.bash !== undefined) {
    const tool = tools.find(({ name }) => SHELLS.includes(name));
    const input = { ...shellInput(step.bash, tool), ...step.extra };
    return { name: tool?.name ?? 'bash', namespace, input, custom: undefined };
  }
  if (step.tool === undefined) return undefined;
  const names = [step.tool].flat();
  const name = names.find((one) => tools.some((tool) => tool.name === one)) ?? names[0] ?? '';
  const input = z.record(z.string(), z.unknown()).catch({}).parse(step.input);
  return { name, namespace, input, custom };
}

const shellSchema = z.object({ properties: z.record(z.string(), z.looseObject({ type: z.unknown() })) });

/** `cmd`, or `command` as a text or as words, as the tool's own schema has it. */
function shellInput(command: string, tool: Tool | undefined): Record<string, unknown> {
  const schema = shellSchema.safeParse(tool?.schema);
  const properties = schema.success ? schema.data.properties : {};
  if (properties['cmd'] !== undefined) return { cmd: command };
  if (properties['command']?.type === 'array') return { command: ['bash', '-lc', command] };
  return properties['description'] === undefined ? { command } : { command, description: 'Stub command' };
}

/** Into at most so many pieces of about one size, none of them empty, and none ending inside a character. */
export function pieces(text: string, count: number): string[] {
  const letters = Array.from(text);
  const size = Math.max(1, Math.ceil(letters.length / count));
  return Array.from({ length: Math.ceil(letters.length / size) }, (_, n) =>
    letters.slice(n * size, (n + 1) * size).join(''),
  );
}
