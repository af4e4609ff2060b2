import { describe, expect, it } from 'vitest';
import { packRequest } from '../../krew/arguments.ts';
import { forms } from '../../krew/platforms.ts';

const url = 'https://example.org/releases';

describe('npm run pack', () => {
  it('takes the address alone: all archives, as small as they can be', () => {
    expect(packRequest([`${url}//`])).toEqual({ url, homepage: `${url}//`, forms, level: 12 });
  });

  it('takes a home page, some archives and a level', () => {
    const words = [url, 'https://example.org', '--only', 'without-node', '--only', 'linux-amd64', '--level', '1'];
    expect(packRequest(words)).toEqual({
      url,
      homepage: 'https://example.org',
      forms: ['linux-amd64', 'without-node'],
      level: 1,
    });
  });

  it.each<[string[], string]>([
    [[], 'URL is missing'],
    [['releases'], 'URL "releases" must begin with https:// or http://'],
    [['file:///releases'], 'URL "file:///releases" must begin with https:// or http://'],
    [[url, 'home'], 'HOMEPAGE "home" must begin with https:// or http://'],
    [[url, url, 'more'], 'there is also "more"'],
    [[url, '--only', 'windows-amd64'], '--only windows-amd64: there is no such archive'],
    [[url, '--level', '13'], '--level 13 must be 1 to 12'],
    [[url, '--level', 'best'], '--level best must be 1 to 12'],
    [[url, '--all'], "Unknown option '--all'"],
  ])('refuses %j', (words, what) => {
    expect(() => packRequest(words)).toThrow(what);
    expect(() => packRequest(words)).toThrow('usage: npm run pack -- URL');
  });
});
