import { describe, expect, it } from 'vitest';
import { placesOf } from '../../krew/environment.ts';

describe('a build', () => {
  it('is told by the environment where things are', () => {
    const env = {
      ...{ PATH: '/bin', HOME: '/root', XDG_CACHE_HOME: '/cache', TMPDIR: '/tmp' },
      ...{ https_proxy: 'http://proxy', NO_PROXY: 'a', npm_config_registry: 'https://registry.example.org' },
    };
    expect(placesOf(env)).toEqual({ ...env, LC_ALL: 'C', TZ: 'UTC' });
  });

  it('is told nothing else that could decide what comes out', () => {
    const env = {
      ...{
        KUBECTL_CHAOS_IMAGE: 'x',
        TAR_OPTIONS: '--sort=none',
        GZIP: '-1',
        CFLAGS: '-O0',
        MUSL_GCC: 'tcc',
        VERSION: '9',
      },
      ...{
        LANG: 'de_DE.UTF-8',
        LC_ALL: 'tr_TR.UTF-8',
        TZ: 'Asia/Tokyo',
        SOURCE_DATE_EPOCH: '5',
        GIT_DIR: '/elsewhere',
      },
      ...{ NODE_OPTIONS: '--require x', MAKEFLAGS: '-n', npm_package_version: '9', HOME: '' },
    };
    expect(placesOf(env)).toEqual({ LC_ALL: 'C', TZ: 'UTC' });
  });
});
