/** One attempt on this node, from its worktree to its delivery. It emits glimpses, never throws, and ends with exactly one {@link AttemptEnd}. */
import { procIdOf } from '#core/brand.ts';
import type { EndReason } from '#core/schema/body.ts';
import { DriverRefusal } from '#driver/refusal.ts';
import type { AgentEvent, AgentSession, SessionSpec } from '#agent-ports.ts';
import type { Prepared } from '#workspace/record.ts';
import type { AttemptEnd } from './attempt-end.ts';
import {
  end,
  failureOf,
  promptOf,
  resultOf,
  scriptOf,
  stoppedByPerson,
  told,
  toldByPerson,
  waitingFor,
} from './attempt-end.ts';
import { AttemptDisplay } from './attempt-display.ts';
import { deliverWork } from './attempt-delivery.ts';
import { isReader, lacksConversation, specOf } from './attempt-spec.ts';
import type { AttemptPlan, AttemptTools } from './attempt-plan.ts';
import { AttemptSpending } from './attempt-spending.ts';
import type { Completion } from './completion.ts';
import { whileEarlierIsThere } from './earlier-place.ts';
import { PersonWords } from './person-words.ts';
import { Questions } from './questions.ts';
import { isRefusal } from './remote.ts';
import { revived, Revival } from './revival.ts';
import { setUp } from './set-up.ts';
import { untilAborted } from './until-aborted.ts';

type TurnEnded = Extract<AgentEvent, { kind: 'turn_ended' }>;

const KILL_GRACE_MS = 5_000;
/** Lines of output that an end carries as its error. */
const ERROR_LINES = 30;

export class Attempt {
  readonly plan: AttemptPlan;
  readonly display: AttemptDisplay;
  private readonly tools: AttemptTools;
  private session: AgentSession | undefined;
  private prepared: Prepared | undefined;
  private completion: Completion | undefined;
  /** Why the attempt is to stop, once anybody said so. */
  private stopping: EndReason | undefined;
  private readonly spending = new AttemptSpending();
  private patienceMs = 0;
  private readonly abort = new AbortController();
  private readonly detaching = new AbortController();
  private readonly revival: Revival;
  private finished: Promise<unknown> = Promise.resolve();

  /** What people do to it while it works. */
  readonly words: PersonWords;
  /** It has ended; what it leaves is kept until it is cleaned up. */
  isOver = false;

  constructor(plan: AttemptPlan, tools: AttemptTools) {
    this.plan = plan;
    this.tools = tools;
    this.display = new AttemptDisplay(plan, tools);
    const crashes = tools.desk.crashesOf(plan.agent.id);
    this.revival = new Revival({ crashes, nowMs: Date.now, show: (state) => this.display.show(state) });
    this.words = new PersonWords({
      session: () => this.session,
      isReader: isReader(plan.agent),
      end: () => this.interrupt('interrupted'),
      waits: () => this.display.show(stoppedByPerson),
      said: (text) => this.display.transcript?.person(text),
    });
  }

  /** Runs the attempt from its beginning. */
  run(): Promise<AttemptEnd | undefined> {
    return this.guard(async () => {
      const ready = await this.prepare();
      if ('kind' in ready) return ready;
      const session = await this.tools.driver.open(ready.spec, this.tools.runtime);
      this.session = session;
      if (this.stopping !== undefined) return end('failed', this.stopping, 'stopped before the agent was started');
      await whileEarlierIsThere(this.plan, this.tools, () => this.ask(session, ready.prompt));
      return this.follow(session, ready.prepared);
    });
  }

  private async ask(session: AgentSession, text: string): Promise<void> {
    this.display.transcript?.prompts(text);
    await session.prompt(text);
    // Whoever stopped the attempt while the turn was starting found nothing to interrupt.
    if (this.stopped()) await session.interrupt();
  }

  /** Goes on with what ran when this node stopped; `lost` when the holder knows nothing of it. */
  resume(): Promise<AttemptEnd | undefined> {
    return this.guard(async () => {
      const { workspaces, driver, runtime } = this.tools;
      const { task, attempt } = this.plan;
      const found = await workspaces.find({ task, attempt });
      if (found === undefined) return end('lost', 'lost', 'the node went down before the agent was started');
      this.prepared = found;
      const session = await driver.attach(await this.specOf(found), runtime);
      if (session === undefined) return end('lost', 'lost', 'the agent was gone when its node came back');
      this.session = session;
      return this.follow(session, found);
    });
  }

  /** Stops the agent; `run` then answers with that reason. Safe to call at any time, and again. */
  async interrupt(reason: EndReason): Promise<void> {
    this.stopping ??= reason;
    this.abort.abort('ended');
    await this.session?.interrupt();
    await this.finished;
  }

  /** The node stops: the agent goes on under the holder, this attempt stops following it and ends without an answer. */
  detach(): void {
    this.detaching.abort();
    this.abort.abort();
  }

  /** Keeps what there is to keep, then removes worktree and process files. Only after the attempt is stopped. */
  async clean(): Promise<void> {
    const { workspaces, runtime, log } = this.tools;
    const { task, attempt } = this.plan;
    await this.finished;
    await this.session?.close(KILL_GRACE_MS);
    const prepared = this.prepared ?? (await workspaces.find({ task, attempt }));
    if (prepared !== undefined) {
      const removed = await workspaces.salvageAndRemove(prepared);
      if (isRefusal(removed)) log(`the worktree of ${task}.${attempt} is kept: ${removed.message}`);
      else if (removed.state === 'kept') log(`${removed.path} is kept: ${removed.reason.message}`);
    }
    await runtime.forget(procIdOf(task, attempt));
  }

  private stopped(): boolean {
    return this.stopping !== undefined;
  }

  private guard(run: () => Promise<AttemptEnd>): Promise<AttemptEnd | undefined> {
    const answer = run()
      .catch((error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        this.tools.log(`attempt ${this.plan.task}.${this.plan.attempt} failed: ${message}`);
        // Nothing was asked of it: another one may be free.
        if (error instanceof DriverRefusal && error.isUntouched) return end('released', 'refused', message);
        return end('failed', 'script_failed', message);
      })
      .then((value) => (this.detaching.signal.aborted ? undefined : value))
      .finally(() => (this.isOver = true));
    this.finished = answer;
    return answer;
  }

  private async prepare(): Promise<{ prepared: Prepared; spec: SessionSpec; prompt: string } | AttemptEnd> {
    const { workspaces, sources } = this.tools;
    const { created, task, attempt, agent } = this.plan;
    const spending = isReader(agent) ? this.tools.desk.spending(this.plan) : undefined;
    if (spending?.kind === 'over') return end('failed', 'limit', spending.text);
    const lacks = lacksConversation(created, this.tools);
    if (lacks !== undefined) return end('failed', 'setup_failed', lacks);
    const source = await sources.of(created, agent);
    if (isRefusal(source)) return end('failed', 'setup_failed', told(source));
    this.display.say('setup', null);
    const answer = await workspaces.prepare({
      task,
      attempt,
      source: source.source,
      onStatus: (line) => this.display.say('setup', line),
    });
    if (isRefusal(answer)) return end('failed', 'setup_failed', told(answer));
    const { prepared } = answer;
    this.prepared = prepared;
    for (const warning of prepared.warnings) this.display.say('setup', warning.message);
    const { tools } = this;
    const { output } = this.display;
    const say = (line: string): void => this.display.say('setup', line);
    const failed = await setUp({ command: source.setup, prepared, plan: this.plan, tools, output, say });
    if (failed !== undefined) return failed;
    return { prepared, spec: await this.specOf(prepared), prompt: await this.prompt() };
  }

  private async prompt(): Promise<string> {
    const { created, agent } = this.plan;
    const description = await this.tools.unstash(created.description);
    if (!isReader(agent)) return scriptOf(created, description);
    const context = await this.tools.unstash(created.context);
    return `${await this.tools.before(this.plan)}${promptOf(created, { description, context })}`;
  }

  private async specOf(prepared: Prepared): Promise<SessionSpec> {
    const equipment = await this.tools.desk.equip(this.plan);
    this.completion = equipment.completion;
    this.patienceMs = equipment.patienceMs;
    return specOf(this.plan, prepared, equipment, this.tools);
  }

  private async follow(session: AgentSession, prepared: Prepared): Promise<AttemptEnd> {
    const { plan } = this;
    if (this.display.transcript !== undefined) this.display.transcript.folder = prepared.cwd;
    const tell = (line: string): void => this.display.tell(line);
    const answer: AgentSession['answer'] = (request, decision) => {
      this.display.transcript?.answered(request, decision);
      return session.answer(request, decision);
    };
    const questions = new Questions({ plan, session: { answer }, cwd: prepared.cwd, tell, desk: this.tools.desk });
    if (this.completion !== undefined) this.completion.onProgress = tell;
    try {
      // An agent that is silent must not hold the stop of its node back.
      for await (const event of untilAborted(session.events, this.detaching.signal)) {
        this.display.heard(event);
        if (event.kind === 'turn_ended') {
          await this.tools.desk.turnOver(plan, this.spending.ended(event.turn));
          if (await this.goesOn(session, event)) continue;
          return await this.over(event, prepared);
        }
        if (event.kind === 'exited') break;
        questions.on(event);
        if (event.kind === 'turn_started') this.spending.begins(event.turn);
        if (event.kind === 'usage') this.spending.used(event, { plan, desk: this.tools.desk, tell });
        else if (this.spending.isOver && !this.stopped()) void this.interrupt('limit').catch(() => {});
      }
      return await this.over(undefined, prepared);
    } finally {
      questions.close(this.detaching.signal.aborted ? 'detached' : 'ended');
      this.completion?.close();
    }
  }

  /** A further turn of the same session, where the agent left open how its task stands, or people answered it. */
  private async goesOn(session: AgentSession, event: TurnEnded): Promise<boolean> {
    const { completion, patienceMs } = this;
    if (this.stopped() || this.spending.isOver) return false;
    const words = await this.words.after(event, { patienceMs, closed: this.abort.signal });
    if (this.stopped()) return false;
    if (words !== undefined) {
      await this.ask(session, words);
      this.display.show(toldByPerson);
      return true;
    }
    if (completion === undefined) return false;
    const waitMs = this.revival.after(event);
    if (completion.isOwed && completion.said === null && (await this.revival.isDue(waitMs, this.abort.signal))) {
      await this.ask(session, revived(await this.prompt()));
      return true;
    }
    if (completion.said?.kind === 'asks') this.display.show(waitingFor(completion.said.text));
    const next = await completion.after(event, this.abort.signal);
    if (next.kind !== 'prompt') return next.kind === 'seen';
    if (this.stopped()) return false;
    await this.ask(session, next.text);
    await completion.prompted(event.turn);
    return true;
  }

  /** `event` undefined: the agent ended without ending its turn. */
  private async over(event: TurnEnded | undefined, prepared: Prepared): Promise<AttemptEnd> {
    const { tools, plan, completion } = this;
    const { output } = this.display;
    tools.glimpses.flush(plan.task);
    if (this.stopping !== undefined || event?.outcome === 'interrupted') {
      return end('failed', this.stopping ?? 'interrupted', output.newest(ERROR_LINES));
    }
    const said = completion?.said ?? null;
    const failed = failureOf({
      said,
      event,
      limitSeconds: plan.created.timeLimitSeconds,
      tail: output.newest(ERROR_LINES),
    });
    const say = (line: string): void => this.display.say('delivering', line);
    if (failed !== undefined) {
      const isCut = failed.end.reason === 'walltime';
      const kept = isCut ? await deliverWork(plan, prepared, tools, { say, signal: this.abort.signal }) : undefined;
      const left = isRefusal(kept) ? null : (kept ?? null);
      return { ...failed.end, error: await tools.stash(failed.text), work: left };
    }
    const work = await deliverWork(plan, prepared, tools, { say, signal: this.abort.signal });
    if (isRefusal(work)) return end('failed', 'script_failed', `the work could not be delivered: ${told(work)}`);
    const result = resultOf({ said, text: event?.text ?? '', isAsked: completion?.isOwed === true });
    return { ...end('completed', null, null), result: await tools.stash(result), work: work ?? null };
  }
}
