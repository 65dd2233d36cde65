"""A real Kafka that asks who is there: SASL over TLS on one port, client certificates on another; the port without TLS is for set-up."""

from __future__ import annotations

from pathlib import Path

from demo import parts
from tests.fakes.certificates import Authority

USER, PASSWORD = "impresario", "the right password"
LOGIN = "org.apache.kafka.common.security"


class SecuredKafka(parts.KafkaServer):
    """As `KafkaServer`; `sasl` and `mtls` are its guarded addresses."""

    def __init__(self, folder: Path, authority: Authority, certificate: Path) -> None:
        super().__init__(folder, partitions=2)
        sasl, mtls = parts.free_ports(2)
        self.sasl, self.mtls = f"localhost:{sasl}", f"localhost:{mtls}"
        plain = self._properties.split("listeners=", 1)[1].split("\n", 1)[0]
        self._properties += f"""\
listeners={plain},SASL://localhost:{sasl},MTLS://localhost:{mtls}
advertised.listeners=PLAINTEXT://{self.bootstrap},SASL://localhost:{sasl},MTLS://localhost:{mtls}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_SSL,MTLS:SSL
inter.broker.listener.name=PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location={certificate}
ssl.truststore.type=PEM
ssl.truststore.location={authority.certificate}
listener.name.mtls.ssl.client.auth=required
sasl.enabled.mechanisms=SCRAM-SHA-512,OAUTHBEARER,PLAIN
listener.name.sasl.scram-sha-512.sasl.jaas.config={LOGIN}.scram.ScramLoginModule required;
listener.name.sasl.plain.sasl.jaas.config={LOGIN}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";
listener.name.sasl.oauthbearer.sasl.jaas.config={LOGIN}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="x";
"""

    def start(self) -> None:
        super().start()
        from kafka.admin import KafkaAdminClient, ScramMechanism, UserScramCredentialUpsertion

        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        admin.alter_user_scram_credentials([UserScramCredentialUpsertion(USER, ScramMechanism.SCRAM_SHA_512, PASSWORD)])
        admin.close()
