const at = (id) => document.getElementById(id);

async function showUser() {
  const answer = await fetch('/auth/user');
  const user = answer.ok ? await answer.json() : undefined;
  at('login').hidden = user !== undefined;
  at('logout').hidden = user === undefined;
  at('who').textContent =
    user === undefined
      ? 'Nobody is signed in.'
      : `${user.claims.name ?? user.subject} is signed in at ${user.grants
          .filter(({ connected }) => connected)
          .map(({ provider }) => provider)
          .join(' and ')}.`;
}

async function ask(service) {
  const answer = await fetch(`/${service}/me`);
  at(service).textContent = `${answer.status}\n${await answer.text()}`;
}

at('ask-projects').addEventListener('click', () => void ask('projects'));
at('ask-notebooks').addEventListener('click', () => void ask('notebooks'));
at('logout').addEventListener('click', () => void signOut());

async function signOut() {
  await fetch('/auth/logout', { method: 'POST' });
  at('projects').textContent = '';
  at('notebooks').textContent = '';
  await showUser();
}

await showUser();
