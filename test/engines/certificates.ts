import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A certificate authority for each run, with the certificates that it has issued: `NAME.crt` and `NAME.key` in
 * `folder`.
 */
export class Certificates {
  readonly folder: string;
  readonly authority: string;

  constructor(folder: string) {
    this.folder = folder;
    this.authority = join(folder, "ca.crt");
    this.#openssl(
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -subj /CN=engines -days 2",
    );
    this.#openssl("genrsa -out service-accounts.key 2048");
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  /** @param subject `/O=system:masters/CN=admin` */
  make(name: string, subject: string): { readonly certificate: string; readonly key: string } {
    const names = ["DNS:localhost", "DNS:keda-operator.keda.svc", "IP:127.0.0.1"].join(",");
    writeFileSync(
      this.path("extensions"),
      `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`,
    );
    this.#openssl(
      `req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${name}.key -out ${name}.csr -subj ${subject}`,
    );
    this.#openssl(
      `x509 -req -in ${name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile extensions -days 2 -out ${name}.crt`,
    );
    return { certificate: this.path(`${name}.crt`), key: this.path(`${name}.key`) };
  }

  #openssl(command: string): void {
    execFileSync("openssl", command.split(" "), { cwd: this.folder, stdio: "ignore" });
  }
}
