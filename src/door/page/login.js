/** What only the browser knows: under which address it reached this node, and whether it came here by a link. */
for (const place of document.querySelectorAll('[data-part="origin"]')) place.textContent = location.origin;

if (new URLSearchParams(location.search).has('code')) {
  const heading = document.querySelector('h1');
  if (heading !== null) heading.textContent = 'This link was used already, or is too old';
}
