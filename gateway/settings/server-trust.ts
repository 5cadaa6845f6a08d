/** What makes a server's TLS good enough: its profile, whom it is believed, and what these exclude. */
import { certificateBegins, readPem } from './certificates.ts';
import type { Part } from './part.ts';
import type { ServerTrust } from './settings.ts';
import { lackingProfile, profileOf } from './tls-profiles.ts';

/** Where a setting of one server stands: its own where it has one, else that of all servers. */
export interface SettingPlace {
  readonly name: string;
  readonly isOwn: boolean;
}

/** What `placeOf` finds is read; what is wrong with it is added to the part's problems. */
export function serverTrust(
  placeOf: (suffix: string) => SettingPlace,
  hasTls: boolean,
  part: Part,
): ServerTrust {
  const { values, surroundings, problems } = part;
  const profilePlace = placeOf('TLS_PROFILE');
  const profile = profileOf(values.text(profilePlace.name));
  if (hasTls) problems.push(...lackingProfile(profilePlace.name, profile, surroundings));
  const verify = verifyOf(values.text(placeOf('TLS_VERIFY').name));
  checkPins(placeOf, verify, part);
  return {
    profile,
    verify,
    caPem: hasTls && verify === 'ca' ? caPem(placeOf('TLS_CA_PATH').name, part) : '',
    pins: verify === 'pin' ? values.list(placeOf('TLS_PINS').name) : [],
  };
}

function verifyOf(word: string | undefined): ServerTrust['verify'] {
  return word === 'pin' || word === 'any' ? word : 'ca';
}

/** Pins that nothing compares would look like safety; one server may do without those of all servers. */
function checkPins(
  placeOf: (suffix: string) => SettingPlace,
  verify: ServerTrust['verify'],
  { values, problems }: Part,
): void {
  const [pins, verified] = [placeOf('TLS_PINS'), placeOf('TLS_VERIFY')];
  const hasPins = values.isSet(pins.name);
  if (verify === 'pin' && !hasPins) {
    problems.push({
      setting: verified.name,
      problem: 'is pin, and there are no pins',
      mend: `give the SHA-256 of the certificate in ${pins.name}; "postern doctor" prints it`,
    });
  }
  if (verify !== 'pin' && hasPins && (pins.isOwn || !verified.isOwn)) {
    problems.push({
      setting: pins.name,
      problem: `is set, and ${verified.name} is ${verify}, which looks at no pins`,
      mend: `set ${verified.name}=pin, or leave the pins out`,
    });
  }
}

function caPem(setting: string, { values, surroundings, problems }: Part): string {
  const path = values.text(setting);
  if (path === undefined) return surroundings.rootsPem;
  const pem = {
    setting,
    begins: certificateBegins,
    wanted: 'certificate',
    mend: 'name a PEM file of authorities',
  };
  return readPem(path, pem, { readFile: surroundings.readFile, problems });
}
