"""What must outlive every deployment: tables, policies, audit log, evidence, keys, the bus. It depends on nothing."""

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events

from infra.constructs.audit_bucket import PASSING_OBJECTS, AuditBucket
from infra.constructs.break_glass import BreakGlass, break_glass_name
from infra.constructs.bucket import Bucket
from infra.constructs.locked_bucket import LockedBucket, role_arn
from infra.constructs.mac_key import MacKey
from infra.constructs.nag import acknowledge
from infra.constructs.signing_key import SigningKey
from infra.constructs.table import Table
from infra.stages import Stage

STATUS_INDEX = "by_status"
USES_INDEX = "by_key"
BLOCKS_INDEX = "by_block"
POLICY_PREFIX = "policies"
AUDIT_WRITER, EVIDENCE_WRITER = "AuditWriter", "ContainEvidence"
AUDIT_TILES, AUDIT_CHECKPOINT = "tile/*", "checkpoint"
AUDIT_OBJECTS = ("seg/*", AUDIT_TILES, "checkpoint/*", AUDIT_CHECKPOINT)
EVIDENCE_OBJECTS = "incidents/*"
EVIDENCE_EXPORT = "ExportsOutputFnGetAttEvidence4CC26D68Arn9E0A376E"
AUDIT_EXPORT = "ExportsOutputFnGetAttAudit3D8ADE0AArn5960E565"
POLICIES_EXPORT = "ExportsOutputFnGetAttPolicies05F61E66Arn383E61AA"

STRING, NUMBER = dynamodb.AttributeType.STRING, dynamodb.AttributeType.NUMBER


class Data(Stack):
    """The stateful half of a stage. The tables' keys can never change, so they stand here and nowhere else."""

    def __init__(self, app: App, stage: Stage) -> None:
        super().__init__(
            app,
            f"{stage.prefix}-data",
            description=f"Portcullis {stage.name}: data",
            termination_protection=stage.retain,
        )
        self.stage = stage
        self.core = self._core()
        self.nonces = self._nonces()
        self.profiles = self._profiles()
        self.policies = Bucket(self, "Policies", stage=stage)
        self.policy_objects = self.policies.arn_for_objects(f"{POLICY_PREFIX}/*")
        # The rule on wildcards names this resource so in another stack's policy; synthesis fails if it is out of date.
        self.policy_objects_finding = f"IAM5[Resource::{self.stack_name}:{POLICIES_EXPORT}/{POLICY_PREFIX}/*]"
        self.mac_keys = {each: MacKey(self, _mac_name(each), stage=stage) for each in stage.generations}
        self._audit()
        self.bus = events.EventBus(self, "Bus", event_bus_name=stage.prefix)
        acknowledge(
            self.policies,
            "S1",
            "Objects are named by their SHA-256 and written by the operator API alone, each with an event of its own.",
        )
        self._outputs()

    @property
    def mac_key_arns(self) -> list[str]:
        """All roots of secrets."""
        return [key.key_arn for key in self.mac_keys.values()]

    @property
    def mac_keys_setting(self) -> str:
        """The id of each root's key by its generation: ``0=<key id> 1=<key id>``."""
        return " ".join(f"{each}={key.key_id}" for each, key in self.mac_keys.items())

    def _core(self) -> Table:
        table = Table(
            self,
            "Core",
            stage=self.stage,
            partition_key=dynamodb.Attribute(name="pk", type=STRING),
            sort_key=dynamodb.Attribute(name="sk", type=STRING),
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        )
        table.add_global_secondary_index(
            index_name=STATUS_INDEX,
            partition_key=dynamodb.Attribute(name="status_key", type=STRING),
            sort_key=dynamodb.Attribute(name="created_at", type=NUMBER),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        return table

    def _nonces(self) -> Table:
        table = Table(
            self,
            "Nonces",
            stage=self.stage,
            recoverable=False,
            partition_key=dynamodb.Attribute(name="pk", type=STRING),
            time_to_live_attribute="expires_at",
        )
        table.add_global_secondary_index(
            index_name=USES_INDEX,
            partition_key=dynamodb.Attribute(name="used_key", type=STRING),
            sort_key=dynamodb.Attribute(name="used_at", type=NUMBER),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=["ip"],
        )
        acknowledge(table, "DDB3", "A nonce matters for minutes, and nothing is decided by when a key was last used.")
        return table

    def _profiles(self) -> Table:
        table = Table(
            self,
            "Profiles",
            stage=self.stage,
            partition_key=dynamodb.Attribute(name="pk", type=STRING),
            time_to_live_attribute="expires_at",
        )
        table.add_global_secondary_index(
            index_name=BLOCKS_INDEX,
            partition_key=dynamodb.Attribute(name="blocked", type=STRING),
            sort_key=dynamodb.Attribute(name="ends_at", type=NUMBER),
        )
        return table

    def _audit(self) -> None:
        # As with the MAC key, the writer's role is named by how CloudFormation begins its name.
        writer = role_arn(f"{self.stage.prefix}-gateway-{AUDIT_WRITER}*")
        break_glass = BreakGlass(self, "AuditBreakGlass", stage=self.stage)
        spared = role_arn(break_glass_name(self.stage))
        self.audit = AuditBucket(self, "Audit", stage=self.stage, writer=writer, break_glass=spared)
        self.audit_findings = {
            path: f"IAM5[Resource::{self.stack_name}:{AUDIT_EXPORT}/{path}]"
            for path in (*AUDIT_OBJECTS, *PASSING_OBJECTS)
            if "*" in path
        }
        self.evidence = LockedBucket(
            self,
            "Evidence",
            stage=self.stage,
            writer=role_arn(f"{self.stage.prefix}-response-{EVIDENCE_WRITER}*"),
            break_glass=spared,
        )
        self.evidence_finding = f"IAM5[Resource::{self.stack_name}:{EVIDENCE_EXPORT}/{EVIDENCE_OBJECTS}]"
        for bucket in (self.audit, self.evidence):
            break_glass.allow_settings_of(bucket)
        self.audit_key = SigningKey(self, "AuditSigning", stage=self.stage, writer=writer)
        self.audit_origin = f"{self.stage.prefix}-audit.{self.region}.{self.account}"
        self.audit_claims = Table(
            self,
            "AuditClaims",
            stage=self.stage,
            partition_key=dynamodb.Attribute(name="pk", type=STRING),
            time_to_live_attribute="expires_at",
        )

    def _outputs(self) -> None:
        values = {
            "CoreTable": self.core.table_name,
            "NoncesTable": self.nonces.table_name,
            "ProfilesTable": self.profiles.table_name,
            "PolicyBucket": self.policies.bucket_name,
            "BusName": self.bus.event_bus_name,
            **{f"{_mac_name(each)}KeyArn": key.key_arn for each, key in self.mac_keys.items()},
            "AuditBucket": self.audit.bucket_name,
            "EvidenceBucket": self.evidence.bucket_name,
            "AuditClaimsTable": self.audit_claims.table_name,
            "AuditKeyArn": self.audit_key.key_arn,
            "AuditOrigin": self.audit_origin,
        }
        for key, value in values.items():
            CfnOutput(self, key, value=value)


def _mac_name(generation: str) -> str:
    """The first root has no number, so that it stays what it is when there is a second."""
    return "Mac" if generation == "0" else f"Mac{generation}"
