"""Talks to a hub as an integrator's program would: with gRPC, a certificate, a token, and nothing of this project.

All that it knows of the contract it learns from the hub by reflection. It reads what to do as JSON from standard input,
and prints what it was told as JSON. It decides nothing: whoever runs it judges.
"""

import json
import sys

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

PATIENCE = 30
REFLECTION_V1 = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


def channel(given, who):
    """A channel with the certificate of one of those who speak."""
    files = given["speakers"][who]
    credentials = grpc.ssl_channel_credentials(
        root_certificates=given["ca"].encode(),
        private_key=files["key"].encode(),
        certificate_chain=files["certificate"].encode(),
    )
    options = [("grpc.ssl_target_name_override", "localhost")]
    return grpc.secure_channel(given["hub"], credentials, options)


class Contract:
    """The hub's services and messages, as its reflection describes them."""

    def __init__(self, over):
        self.database = ProtoReflectionDescriptorDatabase(over)
        self.pool = descriptor_pool.DescriptorPool(self.database)

    def services(self):
        return sorted(self.database.get_services())

    def message(self, name, content):
        """A message from its JSON form."""
        made = message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))()
        return json_format.ParseDict(content, made, descriptor_pool=self.pool)

    def method(self, service, name):
        return self.pool.FindServiceByName(service).FindMethodByName(name)

    def call(self, over, service, name, content, token=None):
        """Calls a method; returns the answer, or the first of a stream of answers that is no heartbeat."""
        method = self.method(service, name)
        answer = message_factory.GetMessageClass(method.output_type)
        kind = over.unary_stream if method.server_streaming else over.unary_unary
        call = kind(
            f"/{service}/{name}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        metadata = [("authorization", f"Bearer {token}")] if token else []
        told = call(self.message(method.input_type.full_name, content), metadata=metadata, timeout=PATIENCE)
        if method.server_streaming:
            events = told
            told = next(event for event in events if event.WhichOneof("event") != "heartbeat")
            events.cancel()
        return json_format.MessageToDict(told, preserving_proto_field_name=True, descriptor_pool=self.pool)


def services_v1(over):
    """The list of services by the newer reflection, whose messages have the same form on the wire."""
    ask = over.stream_stream(
        REFLECTION_V1,
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    told = next(ask(iter([request]), timeout=PATIENCE))
    return sorted(service.name for service in told.list_services_response.service)


def google_rpc():
    """The messages of google.rpc that every gRPC error model shares, as far as they are read here."""
    text, number, message = (
        descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
        descriptor_pb2.FieldDescriptorProto.TYPE_INT32,
        descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE,
    )
    one, many = (
        descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
        descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED,
    )
    shapes = {
        "Status": [
            ("code", 1, number, one, None),
            ("message", 2, text, one, None),
            ("details", 3, message, many, ".google.protobuf.Any"),
        ],
        "ErrorInfo": [("reason", 1, text, one, None), ("domain", 2, text, one, None)],
        "FieldViolation": [("field", 1, text, one, None), ("description", 2, text, one, None)],
        "BadRequest": [("field_violations", 1, message, many, ".google.rpc.FieldViolation")],
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="errors.proto", package="google.rpc", syntax="proto3", dependency=[any_pb2.DESCRIPTOR.name]
    )
    for name, fields in shapes.items():
        shape = file.message_type.add(name=name)
        for field, place, type_, label, of in fields:
            shape.field.add(name=field, number=place, type=type_, label=label, type_name=of)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return pool


def refusal(pool, call):
    """Why a call was refused, from the status and its details; fails if the call was answered."""
    try:
        call()
    except grpc.RpcError as error:
        told = {"code": error.code().name, "message": error.details(), "reason": "", "domain": "", "fields": []}
        trailers = {name: value for name, value in error.trailing_metadata()}
        of = lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"google.rpc.{name}"))
        status = of("Status").FromString(trailers["grpc-status-details-bin"])
        told["status_code"] = status.code
        for detail in status.details:
            if detail.type_url.endswith("/google.rpc.ErrorInfo"):
                info = of("ErrorInfo").FromString(detail.value)
                told["reason"], told["domain"] = info.reason, info.domain
            elif detail.type_url.endswith("/google.rpc.BadRequest"):
                bad = of("BadRequest").FromString(detail.value)
                told["fields"] = [violation.field for violation in bad.field_violations]
        return told
    raise AssertionError("the hub answered what it should refuse")


def main():
    given = json.load(sys.stdin)
    adapter, desk, other = (channel(given, who) for who in ("adapter", "desk", "other"))
    tokens = {who: speaker.get("token") for who, speaker in given["speakers"].items()}
    signals, question = "placehub.v1.SignalService", {"question": given["question"]}
    contract, errors = Contract(adapter), google_rpc()
    told = {"services": contract.services(), "services_v1": services_v1(adapter)}
    told["health"] = contract.call(adapter, "grpc.health.v1.Health", "Check", {"service": signals})
    told["pushed"] = contract.call(adapter, signals, "PushSignal", {"signal": given["signal"]})
    told["consent"] = contract.call(
        desk, "placehub.v1.ConsentService", "RecordConsent", {"statement": given["consent"]}, tokens["desk"]
    )
    told["answer"] = contract.call(desk, signals, "AskSignals", question, tokens["desk"])
    told["event"] = contract.call(desk, signals, "WatchSignals", question, tokens["desk"])
    told["not_permitted"] = refusal(
        errors, lambda: contract.call(other, signals, "AskSignals", question, tokens["other"])
    )
    told["no_token"] = refusal(errors, lambda: contract.call(desk, signals, "AskSignals", question))
    bad = {**given["signal"], "version": 2, "uprn": "not digits"}
    told["bad_field"] = refusal(errors, lambda: contract.call(adapter, signals, "PushSignal", {"signal": bad}))
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
