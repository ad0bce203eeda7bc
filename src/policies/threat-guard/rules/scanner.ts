import { isWordOctet, type ProbeText } from '../probe-text.ts';
import { CERTAIN, HEADER, PATH, type Rule } from '../rule.ts';

export const SCANNER_RULES: readonly Rule[] = [
  {
    id: 'scanner-secrets',
    group: 'scanner',
    score: CERTAIN,
    places: PATH,
    triggers: [
      '/.env',
      '/.git',
      '/.gitconfig',
      '/.git-credentials',
      '/.svn',
      '/.hg',
      '/.aws',
      '/.ssh',
      '/.docker',
      '/.kube',
      '/.npmrc',
      '/.htaccess',
      '/.htpasswd',
      '/.ds_store',
      '/.vscode',
      '/.idea',
      '/.bash_history',
      '/id_rsa',
      '/web.config',
    ],
    confirms: endsName,
  },
  {
    id: 'scanner-wordpress',
    group: 'scanner',
    score: CERTAIN,
    places: PATH,
    triggers: ['/wp-login.php', '/wp-admin', '/wp-config', '/xmlrpc.php', '/wlwmanifest.xml'],
    confirms: endsName,
  },
  {
    id: 'scanner-admin',
    group: 'scanner',
    score: CERTAIN,
    places: PATH,
    triggers: [
      '/phpmyadmin',
      '/phpinfo.php',
      '/adminer.php',
      '/server-status',
      '/server-info',
      '/cgi-bin',
      '/vendor/phpunit',
      '/manager/html',
      '/boaform',
      '/hnap1',
      '/_ignition',
      '/solr/admin',
    ],
    confirms: endsName,
  },
  {
    id: 'scanner-agent',
    group: 'scanner',
    score: CERTAIN,
    places: HEADER,
    triggers: [
      'sqlmap/',
      'nikto/',
      'wpscan',
      'dirbuster',
      'gobuster/',
      'masscan/',
      'nuclei',
      'acunetix',
      'zgrab/',
    ],
  },
];

/** The name ends there, or goes on as names of copies do: `.env.bak`, `wp-config.php~`. */
function endsName(text: ProbeText, _start: number, end: number): boolean {
  const next = text.at(end);
  return next === -1 || !(isWordOctet(next) || next === 0x2d);
}
