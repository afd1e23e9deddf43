//! Makes the parts of a descriptor: short names for what the library writes at length.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    MessageOptions, MethodDescriptorProto, OneofDescriptorProto,
};

use crate::grpc::messages::answer::{FieldOf, Layout};

/// The message that carries JSON objects.
pub(super) const STRUCT: &str = "google.protobuf.Struct";

/// What a field holds. Messages and enums are given by their full names.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    Text,
    Boolean,
    Int32,
    Uint32,
    Double,
    Message(&'static str),
    Enum(&'static str),
}

pub(super) use self::Of::{Boolean, Double, Enum, Int32, Message, Text, Uint32};

/// Fields of a message: one, or those of which one is set at a time.
#[derive(Debug)]
pub(super) enum Part {
    Field(FieldDescriptorProto),
    OneOf(&'static str, Vec<FieldDescriptorProto>),
}

/// Makes a field that has one value.
pub(super) fn one(number: i32, name: &str, of: Of) -> Part {
    Part::Field(field(number, name, of, Label::Optional))
}

/// Makes a field that has any number of values.
pub(super) fn many(number: i32, name: &str, of: Of) -> Part {
    Part::Field(field(number, name, of, Label::Repeated))
}

/// Makes the fields of which one is set at a time.
pub(super) fn one_of(name: &'static str, fields: &[(i32, &str, Of)]) -> Part {
    let fields = fields.iter();
    let fields = fields.map(|(number, name, of)| field(*number, name, *of, Label::Optional));
    Part::OneOf(name, fields.collect())
}

fn field(number: i32, name: &str, of: Of, label: Label) -> FieldDescriptorProto {
    let (kind, type_name) = match of {
        Text => (Type::String, None),
        Boolean => (Type::Bool, None),
        Int32 => (Type::Int32, None),
        Uint32 => (Type::Uint32, None),
        Double => (Type::Double, None),
        Message(name) => (Type::Message, Some(name)),
        Enum(name) => (Type::Enum, Some(name)),
    };
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(label.into()),
        r#type: Some(kind.into()),
        type_name: type_name.map(|name| format!(".{name}")),
        ..FieldDescriptorProto::default()
    }
}

/// Makes a message.
pub(super) fn message(name: &str, parts: impl IntoIterator<Item = Part>) -> DescriptorProto {
    let mut message = DescriptorProto {
        name: Some(name.to_owned()),
        ..DescriptorProto::default()
    };
    for part in parts {
        match part {
            Part::Field(field) => message.field.push(field),
            Part::OneOf(name, fields) => {
                let index = i32::try_from(message.oneof_decl.len()).ok();
                message.oneof_decl.push(OneofDescriptorProto {
                    name: Some(name.to_owned()),
                    ..OneofDescriptorProto::default()
                });
                let fields = fields.into_iter();
                message
                    .field
                    .extend(fields.map(|field| FieldDescriptorProto {
                        oneof_index: index,
                        ..field
                    }));
            }
        }
    }
    message
}

/// Makes the message of an answer.
pub(super) fn answer(layout: &Layout) -> DescriptorProto {
    let fields = layout.fields.iter().map(|field| {
        let one = |of| one(field.number.cast_signed(), field.name, of);
        match field.of {
            FieldOf::Text => one(Text),
            FieldOf::Integer => one(Int32),
            FieldOf::Flag => one(Boolean),
            FieldOf::Struct => one(Message(STRUCT)),
            FieldOf::Choice { name, .. } => one(Enum(name)),
            FieldOf::One(layout) => one(Message(layout.name)),
            FieldOf::Many(layout) => {
                many(field.number.cast_signed(), field.name, Message(layout.name))
            }
        }
    });
    let (_, name) = layout.name.rsplit_once('.').unwrap_or(("", layout.name));
    message(name, fields)
}

/// Makes the entry of a map, which is a message within the one that has the map.
pub(super) fn map_entry(name: &str, value: Of) -> DescriptorProto {
    DescriptorProto {
        options: Some(MessageOptions {
            map_entry: Some(true),
            ..MessageOptions::default()
        }),
        ..message(name, [one(1, "key", Text), one(2, "value", value)])
    }
}

/// Makes an enum, whose values are numbered from 0.
pub(super) fn enumeration<'n>(
    name: &str,
    values: impl IntoIterator<Item = &'n str>,
) -> EnumDescriptorProto {
    let values = values.into_iter().zip(0..);
    EnumDescriptorProto {
        name: Some(name.to_owned()),
        value: values
            .map(|(name, number)| EnumValueDescriptorProto {
                name: Some(name.to_owned()),
                number: Some(number),
                ..EnumValueDescriptorProto::default()
            })
            .collect(),
        ..EnumDescriptorProto::default()
    }
}

/// Makes a method that takes one message and answers one.
pub(super) fn method(name: &str, takes: &str, answers: &str) -> MethodDescriptorProto {
    MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(format!(".{takes}")),
        output_type: Some(format!(".{answers}")),
        ..MethodDescriptorProto::default()
    }
}
