// Stands in for `skep swarm` under a supervisor: does what SKEP_FAKE says for the node of that name.
const name = process.argv.find((word) => word.startsWith('--name='))?.slice('--name='.length) ?? '';
const plan = JSON.parse(process.env.SKEP_FAKE ?? '{}')[name] ?? {};

console.log(`${name} begins`);
if (plan.dies === 'before') {
  console.error('no room on \u001b[31mdisk\u001b[0m');
  process.exit(1);
}
process.on('SIGTERM', () => {
  if (plan.stubborn) return;
  console.log(`${name} stops`);
  process.exit(0);
});
process.on('disconnect', () => process.exit(0));
process.send({ ready: { httpUrl: 'http://127.0.0.1:1' } });
if (plan.dies === 'after') {
  console.log('something is wrong');
  process.exit(7);
}
setInterval(() => {}, 60_000);
