/** What says where things are and how to reach them. npm hands its configuration, the registry too, down as npm_config_NAME. */
const places =
  /^(?:PATH|HOME|USER|LOGNAME|TMPDIR|TERM|CI|XDG_CACHE_HOME|APT_CONFIG|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS|(?:https?|no|all)_proxy|npm_config_\w+)$/i;

/**
 * What is left of an environment for a build: nothing that could decide which bytes come out, such as TAR_OPTIONS, CFLAGS, a locale, a time
 * zone, or a variable of the plugin's own.
 */
export function placesOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]) => (places.test(name) && value ? [[name, value]] : []));
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' };
}

/** The same for this process and all that it starts, and for what they create: modes are no concern of the user's umask. */
export function keepPlacesOnly(): void {
  const kept = placesOf(process.env);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, kept);
  process.umask(0o022);
}
