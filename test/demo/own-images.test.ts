import { describe, expect, it } from 'vitest';
import { imagesOf, pauseImage } from './own-images.ts';

describe('the target of the demo', () => {
  it.each([
    ['registry.k8s.io/pause:3.9', [['registry.k8s.io/pause@sha256:00', 'registry.k8s.io/pause:3.9']]],
    ['docker.io/rancher/mirrored-pause:3.6', [['x:1'], ['docker.io/rancher/mirrored-pause:3.6']]],
    ['registry.k8s.io/pause:3.10', [['docker.io/library/nopause:1']]],
  ])('runs %s', (image, images) => {
    expect(pauseImage(images)).toBe(image);
  });

  it('nodes may say nothing of their images', () => {
    expect(imagesOf({ items: [{}, { status: { images: [{ names: null }, { names: ['a'] }] } }] })).toEqual([[], ['a']]);
    expect(imagesOf({})).toEqual([]);
  });
});
