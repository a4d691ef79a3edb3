import hashlib
import json

from esnet_collector.messages import interface_message, measurement_message
from esnet_collector.replies import Json, Point
from esnet_collector.streams import Kind, Stream

RECORD: dict[str, Json] = {
    "namespace": "esnet/prod",
    "resource": "devices/acorn-asw3/interfaces/gr-0%2F0%2F0",
    "name": "gr-0/0/0",
    "device": "acorn-asw3",
    "ifIndex": "10",
    "speed": None,
    "tags": ["a"],
    "ipv4": "198.18.0.1",
    "lhcone": False,
    "some": {"new": ["key", 1.5]},
}


def test_an_interface_keeps_every_key_and_gains_its_time() -> None:
    message = interface_message("esnet_interfaces", RECORD, 1602043200000)
    assert message.key == "esnet_interfaces"
    assert json.loads(message.body) == {**RECORD, "timestamp": 1602043200000}
    assert "timestamp" not in RECORD


def test_an_interface_is_known_by_the_id_its_consumer_computes() -> None:
    told = json.loads(interface_message("k", RECORD, 1602043200000).body)
    text = "".join(
        str(told[key])
        for key in ("namespace", "resource", "name", "device", "timestamp")
    )
    expected = hashlib.sha1(text.encode()).hexdigest()
    assert interface_message("k", RECORD, 1602043200000).id == expected


def test_a_measurement_is_one_flat_object() -> None:
    stream = Stream(1, "devices/a/interfaces/1%2F2", Kind.DISCARDS, 0)
    message = measurement_message("esnet_traffic", stream, Point(30000, 0.5, None))
    assert message.key == "esnet_traffic"
    assert json.loads(message.body) == {
        "name": "devices/a/interfaces/1%2F2",
        "recordType": "discards",
        "timestamp": 30000,
        "in": 0.5,
        "out": None,
    }


def test_a_measurement_is_known_by_the_id_its_consumer_computes() -> None:
    stream = Stream(1, "devices/a/interfaces/b", Kind.TRAFFIC, 0)
    first = measurement_message("k", stream, Point(30000, 1, 2))
    again = measurement_message("k", stream, Point(30000, 3, 4))
    text = "devices/a/interfaces/btraffic30000"
    assert first.id == again.id == hashlib.sha1(text.encode()).hexdigest()


def test_text_that_is_no_utf_8_is_still_a_message() -> None:
    message = interface_message("k", {"resource": "a", "name": "\ud800"}, 1)
    assert json.loads(message.body)["name"] == "\ud800"
