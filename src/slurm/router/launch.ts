/** `swarm_launch`: an allocation, its personas, and what each agent is told first. */
import { z } from 'zod';
import type { Answer, Command } from './door.ts';
import { parsed, reject, type CommandTools } from './command.ts';

const text = z.string().max(2 * 1024 * 1024);
/** Below the agent's directory. */
const filePath = z.string().regex(/^[A-Za-z0-9_@-][A-Za-z0-9._@-]*(?:\/[A-Za-z0-9_@-][A-Za-z0-9._@-]*){0,8}$/);
const option = z.string().max(100).optional();
const payloadSchema = z.looseObject({
  nodes: z.number().int().min(1).max(100),
  system_prompt: text.default(''),
  agents_md_content: text.optional(),
  agents_bundle: z
    .looseObject({
      mode: z.enum(['file', 'directory']),
      agents_md_content: text,
      skills_files: z
        .array(z.looseObject({ path: filePath, content: text }))
        .max(200)
        .default([]),
    })
    .optional(),
  provider: z.string().max(64).default('slurm'),
  provider_params: z
    .looseObject({ time: option, partition: option, account: option, qos: option, tool: option })
    .default({}),
  alias: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/)
    .optional(),
});

export async function launchSwarm(payload: Command['payload'], tools: CommandTools, answer: Answer): Promise<void> {
  const wanted = parsed(payloadSchema, payload);
  const { nodes, provider_params: asked, alias } = wanted;
  const provider = tools.swarms.provider(wanted.provider);
  if (provider === undefined) return reject(answer, `unknown provider: ${wanted.provider}`);
  const isTaken = Object.values(tools.router.state.swarms).some(
    (one) => one.alias === alias && one.state !== 'terminated',
  );
  if (alias !== undefined && isTaken) return reject(answer, `there is a swarm ${alias} already`);
  const progress = (stage: string, message: string): void =>
    answer('swarm_launch_progress', {
      stage,
      message,
      timestamp: new Date(tools.nowMs()).toISOString(),
      provider: provider.backend,
      provider_id: provider.id,
    });
  progress('submitting', `${nodes} ${nodes === 1 ? 'node' : 'nodes'}`);
  const { tool = 'codex', time, partition, account, qos } = asked;
  const job = await provider.launch({ nodes, tool, time, partition, account, qos }, undefined);
  progress('submitted', `job ${job}`);
  const prompt = wanted.system_prompt;
  const id = tools.swarms.add({ job, nodes, prompt, alias: alias ?? null, provider: provider.id });
  try {
    await Promise.all(Array.from({ length: nodes }, (_, node) => furnish(tools, { job, node, wanted })));
  } catch (error) {
    // Nobody would know what its agents were not told.
    await provider.stop(job);
    tools.swarms.mark(id, 'terminated');
    throw error;
  }
  answer('swarm_launched', {
    swarm_id: id,
    job_id: job,
    node_count: nodes,
    provider: provider.backend,
    provider_id: provider.id,
    agent_runtime: tool,
    agent_model: null,
    pricing_model: null,
    claude_env_profile: null,
  });
}

/** A worker that has begun already meets its persona before its first message. */
async function furnish(
  { router }: CommandTools,
  { job, node, wanted }: { job: string; node: number; wanted: z.output<typeof payloadSchema> },
): Promise<void> {
  const directory = `runs/${job}/agent_${String(node).padStart(2, '0')}`;
  const persona = wanted.agents_bundle?.agents_md_content ?? wanted.agents_md_content;
  if (persona !== undefined) await router.near.write(`${directory}/AGENTS.md`, Buffer.from(persona));
  for (const { path, content } of wanted.agents_bundle?.skills_files ?? []) {
    await router.near.write(`${directory}/.agents/skills/${path}`, Buffer.from(content));
  }
  if (wanted.system_prompt === '') return;
  const injection = `${job}-${node}-prompt`;
  await router.tell(
    job,
    node,
    { type: 'user', content: wanted.system_prompt, injection_id: injection },
    { key: injection },
  );
}
